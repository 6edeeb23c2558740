"""No-op dynamic resource. It is in a separate module, so that only its name is pickled."""
# ruff: noqa: INP001 - part of a Pulumi program, which is a script

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider


class NoOpProvider(ResourceProvider):
    """A no-op provider."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Return that the resource has no changes."""
        return DiffResult(changes=False)

    def create(self, _props: dict[str, Any]) -> CreateResult:
        """Return immediately."""
        return CreateResult("nothing", {})


class Nothing(Resource, module="benchmark", name="Nothing"):
    """A resource without properties."""

    def __init__(self, name: str) -> None:
        super().__init__(NoOpProvider(), name, {})
