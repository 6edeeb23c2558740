"""Providers defined in the program: pickled by value, with their closures."""

import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi import Output, ResourceOptions
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

STAGE = os.environ["STAGE"]
FIRST = STAGE == "first"
GREETINGS = {"first": "hello", "second": "good evening"}


def note(method, **arguments):
    """Record a call; an unknown value is recorded as its type."""
    line = json.dumps([method, arguments], sort_keys=True, default=lambda value: type(value).__name__)
    with Path(os.environ["RECORDS"], "calls").open("a") as calls:
        calls.write(line + "\n")


class Bare(ResourceProvider):
    """Implements only create, without outputs."""

    def create(self, props):
        note("Bare.create", props=props)
        return CreateResult("bare")


class Silent(ResourceProvider):
    """Returns its inputs as outputs, and inherits the other methods."""

    def create(self, props):
        note("Silent.create", props=props)
        return CreateResult("silent", props)


class Provider(ResourceProvider):
    """Uses functions and constants of the program, reports its environment, and writes to both streams."""

    def create(self, props):
        print("on standard output")  # noqa: T201 - third-party providers print
        print("on standard error", file=sys.stderr)  # noqa: T201
        pulumi.log.warn("through Pulumi's log")
        logging.getLogger("shop").warning("through Python's log")
        return CreateResult("surroundings", {**props, **self.surroundings()})

    def update(self, id_, olds, news):
        note("Provider.update", olds=olds, news=news)
        return UpdateResult({**news, **self.surroundings()})

    def surroundings(self):
        return {
            "greeting": greet("you"),
            "folder": str(Path.cwd()),
            "first_on_path": sys.path[0],
            "stack": [pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()],
            "settings": {
                key: os.environ.get(key) for key in ("PULUMI_PROJECT", "PULUMI_CONFIG", "PULUMI_STACK")
            },
        }


def greet(whom):
    return f"{GREETINGS[STAGE]}, {whom}"


@dataclass
class Prices:
    each: float

    def of(self, count):
        return count * self.each


class Stateful(ResourceProvider):
    """Stores objects and a counter: resources with the same pickle share a provider."""

    serialize_as_secret_always = False

    def __init__(self, prices, key=None):
        super().__init__()
        self.prices = prices
        self.key = key
        self.served = 0

    def create(self, props):
        self.served += 1
        outs = {**props, "price": self.prices.of(props["count"]), "served": self.served}
        if self.key is not None:
            outs["key_length"] = len(self.key.get())
        return CreateResult(f"stateful-{self.served}", outs)

    def diff(self, id_, olds, news):
        note("Stateful.diff", id=id_, olds=olds, news=news)
        return DiffResult(changes=olds["count"] != news["count"], stables=["price", "served"])

    def update(self, id_, olds, news):
        note("Stateful.update", id=id_, olds=olds, news=news)
        self.served += 1
        return UpdateResult({**news, "price": self.prices.of(news["count"]), "served": self.served})

    def read(self, id_, props):
        return ReadResult(id_, {**props, "served": -1})

    def delete(self, id_, props):
        note("Stateful.delete", id=id_, props=props)


def forgetful(prefix, forgotten):
    """Return a provider of a class that uses the arguments; its updates return nothing."""

    class Local(ResourceProvider):
        def create(self, props):
            return CreateResult(f"{prefix}-1", {**props, "made_by": prefix})

        def diff(self, id_, olds, news):
            changed = [key for key in news if key not in forgotten and olds.get(key) != news[key]]
            return DiffResult(changes=bool(changed))

        def update(self, id_, olds, news):
            note("Local.update", olds=olds, news=news)

            return UpdateResult()

    return Local()


class Thing(Resource):
    """A resource without the arguments `module` and `name`."""

    def __init__(self, provider, name, opts=None, **props):
        super().__init__(provider, name, props, opts)


class Named(Resource, module="own/shop", name="Named"):
    price: Output[float]
    served: Output[int]
    greeting: Output[str]

    def __init__(self, provider, name, opts=None, **props):
        outputs = dict.fromkeys(("price", "served", "greeting", "key_length"))
        super().__init__(provider, name, {**outputs, **props}, opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("shop:index:Group", name)
        self.register_outputs({})


VALUES = {
    "none": None,
    "floats": [0.1, 3.0, 1e300, -2.5],
    "integers": [0, -1, 2**53],
    "nested": {"none": None, "list": [None, {"deep": [True, False]}], "empty": {}, "none_at_all": []},
    "odd keys": {"with.dot": 1, "with space": 2, "üñí": "ø"},
    "secret": {"inner": Output.secret("hush"), "open": "open"},
    "secrets": ["open", Output.secret("hush")],
}
SAME_PROVIDER = Prices(2.5)

Thing(Bare(), "bare", size=1 if FIRST else 2)
Thing(Silent(), "values", **VALUES)
Thing(
    Silent(),
    "changed",
    value="a" if FIRST else "b",
    watched=1,
    opts=ResourceOptions(additional_secret_outputs=["value"]),
)
Thing(Silent(), "ignored", value=STAGE, opts=ResourceOptions(ignore_changes=["value"]))
Thing(Silent(), "replaced", value=STAGE, opts=ResourceOptions(replace_on_changes=["value"]))
around = Named(Provider(), "around", opts=ResourceOptions(parent=Group("group")))
one = Named(Stateful(SAME_PROVIDER), "one", count=1)
two = Named(Stateful(SAME_PROVIDER), "two", count=2 if FIRST else 3, opts=ResourceOptions(depends_on=[one]))
key = Named(Stateful(Prices(1.5), Output.secret("sesame")), "key", count=1, fed={"price": [two.price]})
Named(forgetful("closure", {"note"}), "forgets", size=1, note=STAGE)
Named(forgetful("other", set()), "loses", size=1 if FIRST else 2, secret=Output.secret(STAGE))
Thing(Silent(), "fed", price=two.price, greeting=around.greeting, hidden=Output.secret(one.served))
pulumi.export("total", Output.all(one.price, two.price).apply(sum))
pulumi.export("made", key.id)
