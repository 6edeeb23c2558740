"""The list of resources that `pulumi import --file` reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class ImportEntry:
    """A resource to import.

    Attributes:
        type: Type token of the resource, as in `state_names`.
        name: Name of the resource, and of its variable in the program: a Python identifier in lowercase.
        id: Import id.
        parent: Name of the entry that is the resource's parent, or None.
    """

    type: str
    name: str
    id: str
    parent: str | None = None

    def as_dict(self) -> dict[str, str]:
        """Return the entry as an object of the list."""
        parent = {"parent": self.parent} if self.parent else {}
        return {"type": self.type, "name": self.name, "id": self.id, **parent}


@dataclass(frozen=True)
class Omission:
    """An object that is not in the list.

    Attributes:
        id: Id or description of the object.
        reason: Why it is left out.
    """

    id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.id}: {self.reason}"


@dataclass(frozen=True)
class ImportList:
    """The resources to import, each after the resources that it uses.

    Attributes:
        entries: The resources.
        omissions: The objects that are left out. The engine ignores them.
    """

    entries: tuple[ImportEntry, ...]
    omissions: tuple[Omission, ...] = ()

    def as_json(self) -> str:
        """Return the text of the file."""
        omitted = [{"id": omission.id, "reason": omission.reason} for omission in self.omissions]
        content: dict[str, Any] = {"resources": [entry.as_dict() for entry in self.entries]}
        return json.dumps({**content, "omitted": omitted} if omitted else content, indent=2) + "\n"

    def write(self, path: Path) -> None:
        """Write the list to a new file.

        Raises:
            InputError: The file exists.
        """
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(self.as_json())
        except FileExistsError as error:
            raise InputError(f"{path} exists; pass another file, or remove it") from error
