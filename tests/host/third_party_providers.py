"""Third-party dynamic providers, which a host imports by module and name, or unpickles by value."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

configured: list[str] = []
"""The labels of configured providers, in order of configuration."""


class Recording(ResourceProvider):
    """A provider that returns its inputs and records its calls.

    Args:
        label: Distinguishes instances.
    """

    serialize_as_secret_always = False

    def __init__(self, label: str) -> None:
        self.label = label

    def configure(self, req: ConfigureRequest) -> None:
        configured.append(self.label)
        self.config = req.config

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        failures = [CheckFailure("size", "is too large")] if news.get("size", 0) == 99 else []
        return CheckResult({**news, "checked": True}, failures)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        if "record" in news:
            Path(news["record"]).write_text(repr((id_, sorted(olds), sorted(news))))
        return DiffResult(news["changes"], news.get("replaces"), ["stable"], news.get("first"))

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(
            f"{self.label}-1", None if props.get("outs") == "none" else {**props, "label": self.label}
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        if props.get("is_gone"):
            return ReadResult(None, {})
        return ReadResult(id_, props.get("found", {}), props.get("found_inputs"))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(
            None if news.get("outs") == "none" else {"before": olds.get("size"), "size": news["size"]}
        )

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        Path(props["record"]).write_text(id_)


class Environment(ResourceProvider):
    """A provider that reports its environment."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        configured.append("surroundings")
        self.config = req.config

    def create(self, props: dict[str, Any]) -> CreateResult:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        return CreateResult(
            "1",
            {
                "project": pulumi.get_project(),
                "stack": pulumi.get_stack(),
                "organization": pulumi.get_organization(),
                "config": {key: self.config.get(key) for key in props.get("keys", [])},
                "configured": configured.count("surroundings"),
                "folder": sys.path[0],
            },
        )


class Undecided(Recording):
    """A provider that leaves the diff to the engine."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult()


class Failing(Recording):
    """A provider that fails."""

    def create(self, _props: dict[str, Any]) -> CreateResult:
        raise ValueError("it\nis wrong")


class Exiting(Recording):
    """A provider that tries to end the process."""

    def create(self, _props: dict[str, Any]) -> CreateResult:
        sys.exit("enough")


class Empty(Recording):
    """A provider whose methods return None."""

    def check(self, _olds: dict[str, Any], _news: dict[str, Any]) -> CheckResult:
        return CheckResult(None, [])  # type: ignore[arg-type]

    def read(self, id_: str, _props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, None)


class FailingOnce(Recording):
    """A provider whose first configuration fails."""

    def configure(self, req: ConfigureRequest) -> None:
        super().configure(req)
        if configured.count(self.label) == 1:
            raise ValueError("not the first time")


class Capturing(Recording):
    """A provider that has captured an output of its program."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.captured = Captured()


class Captured(pulumi.Output[int]):
    """An output in its pickled form. Real outputs need a running program."""

    def __init__(self) -> None:
        """Skip the real constructor, which needs a running program."""

    def __getstate__(self) -> dict[str, Any]:
        return {"value": 7}


class Printing(ResourceProvider):
    """A provider that prints."""

    serialize_as_secret_always = False

    def create(self, _props: dict[str, Any]) -> CreateResult:
        print("said on stdout")  # noqa: T201 - the purpose of this provider
        print("said on stderr", file=sys.stderr)  # noqa: T201 - the purpose of this provider
        return CreateResult("1", {})


class Waiting(ResourceProvider):
    """A provider that waits at a gate, and sends it the id of its thread."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        _wait(news)
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        _wait(news)
        return DiffResult(changes=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        _wait(props)
        return CreateResult("1", {})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        _wait(props)
        return ReadResult(id_, {})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        _wait(news)
        return UpdateResult({})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        _wait(props)


def _wait(props: dict[str, Any]) -> None:
    with socket.create_connection(("127.0.0.1", int(props["gate"])), timeout=30) as gate:
        gate.sendall(f"{threading.get_ident()}\n".encode())
        gate.recv(1)
