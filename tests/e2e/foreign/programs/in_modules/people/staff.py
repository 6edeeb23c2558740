from pulumi import Output, ResourceOptions
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
from records import note, world

HIRED = []


class PersonProvider(ResourceProvider):
    """Implements check, diff and read; the module keeps a list of the people hired in its process."""

    serialize_as_secret_always = False

    def check(self, olds, news):
        note("Person.check", olds=olds, news=news)
        known = {"role": "clerk", **news}
        if isinstance(known.get("desk"), str):
            known["desk"] = known["desk"].lower()
        return CheckResult(known, [CheckFailure("role", "is taken")] if known["role"] == "boss" else [])

    def diff(self, id_, olds, news):
        note("Person.diff", id=id_, olds=olds, news=news)
        replaces = [key for key in ("desk", "badge") if olds.get(key) != news.get(key)]
        changes = bool(replaces) or olds.get("role") != news["role"]
        return DiffResult(changes, replaces, ["hired"], delete_before_replace="badge" in replaces)

    def create(self, props):
        from third import LABEL  # noqa: PLC0415 - found only while it creates

        note("Person.create", props=props)
        HIRED.append(props["name"])
        outs = {**props, "hired": list(HIRED), "label": LABEL, "outer": {"inner": props.get("pay")}}
        return CreateResult(f"{props['name']}@{props.get('desk')}", outs)

    def update(self, id_, olds, news):
        note("Person.update", id=id_, olds=olds, news=news)
        return UpdateResult({**olds, **news, "hired": []})

    def read(self, id_, props):
        note("Person.read", id=id_, props=props)
        found = world().get(id_, {})
        if found is None:
            return ReadResult("", {})
        outs = {"name": "somebody", "hired": [], **props, **found}
        inputs = {key: outs[key] for key in ("name", "role", "desk", "badge", "pay") if key in outs}
        return ReadResult(id_, outs, inputs if found else None)

    def delete(self, id_, props):
        note("Person.delete", id=id_, props=props)


class Person(Resource, module="people", name="Person"):
    name: Output[str]
    desk: Output[str]
    hired: Output[list]
    label: Output[str]

    def __init__(self, resource_name, props, opts=None):
        super().__init__(PersonProvider(), resource_name, {"hired": None, "label": None, **props}, opts)

    @staticmethod
    def get(resource_name, id_, opts):
        return Person(resource_name, {"name": None}, ResourceOptions.merge(opts, ResourceOptions(id=id_)))
