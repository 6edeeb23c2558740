"""The cheapest dynamic resource that there can be: in a module of its own, it is pickled by its name alone."""
# ruff: noqa: INP001 - part of a Pulumi program, which is a script

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class NothingProvider(ResourceProvider):
    """Does nothing."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Never sees a change."""
        return DiffResult(changes=False)

    def create(self, _props: dict[str, Any]) -> CreateResult:
        """Answers at once."""
        return CreateResult("nothing", {})


class Nothing(Resource, module="benchmark", name="Nothing"):
    """A resource without properties."""

    def __init__(self, name: str) -> None:
        super().__init__(NothingProvider(), name, {})
