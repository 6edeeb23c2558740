"""The objects that a stack already manages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft._shared.urns import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.cli.imports.import_list import ImportEntry

_TYPES = {FILE_TYPE, JOB_TYPE, PERMISSION_TYPE}


@dataclass(frozen=True)
class StackObjects:
    """The resources of this package in the state of a stack.

    Attributes:
        inputs: The inputs of each managed resource, by type and id.
        names: Names of all of these resources, including resources that the program only reads, by type and name.
    """

    inputs: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> StackObjects:
        """Return the objects in an exported state."""
        resources = (state.get("deployment") or {}).get("resources") or ()
        ours = [entry for entry in resources if entry.get("type") in _TYPES and not entry.get("delete")]
        managed = [entry for entry in ours if not entry.get("external")]
        return cls(
            {(entry["type"], entry.get("id", "")): entry.get("inputs") or {} for entry in managed},
            {(entry["type"], name_of(entry["urn"])): entry.get("id", "") for entry in ours},
        )

    def manages(self, type_: str, id_: str) -> bool:
        """Return whether the stack manages an object."""
        return (type_, id_) in self.inputs

    def has(self, entry: ImportEntry) -> bool:
        """Return whether an entry was imported: the stack manages its object under its name."""
        return self.manages(entry.type, entry.id) and self.names.get((entry.type, entry.name)) == entry.id

    def taken(self, type_: str) -> set[str]:
        """Return the names that new resources of a type cannot have."""
        return {name for named_type, name in self.names if named_type == type_}
