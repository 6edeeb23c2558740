import os
import sys

from pulumi import ResourceOptions
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)


class OutOfOrderError(Exception):
    pass


class Fragile(ResourceProvider):
    """Fails in the method that the program names while the stage has the name of that method."""

    def check(self, olds, news):
        fail(news, "check")
        if news["fails"] == "check nothing":
            return CheckResult(None, [])
        several = [CheckFailure("size", "must be {odd}: 100%"), CheckFailure("", "is missing a color")]
        return CheckResult(news, several if news["fails"] == "check several" else [])

    def diff(self, id_, olds, news):
        fail(news, "diff")
        return DiffResult(olds["size"] != news["size"])

    def create(self, props):
        fail(props, "create")
        if stage("leave"):
            sys.exit("leaving")
        results = {
            "number": CreateResult(7, {}),
            "object": CreateResult("object", {"file": object()}),
            "no id": CreateResult("", {}),
            "nothing": None,
        }
        return results.get(props["fails"], CreateResult(f"id-{props['fails']}", props))

    def read(self, id_, props):
        fail(props, "read")
        return ReadResult(id_, None if props["fails"] == "reads nothing" and stage("read") else props)

    def update(self, id_, olds, news):
        fail(news, "update")
        return UpdateResult(news)

    def delete(self, id_, props):
        fail(props, "delete")


class Moody(ResourceProvider):
    def configure(self, request):
        raise OutOfOrderError(f"configured with {request.config.require('mood')}")

    def create(self, props):
        return CreateResult("moody")


def stage(name):
    return os.environ["STAGE"] == name


def fail(props, method):
    if props["fails"] == method and stage(method):
        try:
            {}[method]
        except KeyError as error:
            raise OutOfOrderError(f"cannot {method} 100% of {{this}}:\nsecond line, ünï") from error


class Vase(Resource, module="shop", name="Vase"):
    def __init__(self, fails, size=1, provider=None, opts=None):
        name = fails.replace(" ", "-")
        super().__init__(
            provider or Fragile(), name, {"fails": fails, "size": size}, opts or ResourceOptions()
        )
