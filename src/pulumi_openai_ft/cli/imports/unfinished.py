"""The resources of an import that is not finished: those for which no program has been written yet."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file
from pulumi_openai_ft.cli.imports.import_list import ImportEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ENTRIES = TypeAdapter(tuple[ImportEntry, ...])


@dataclass(frozen=True)
class Unfinished:
    """The unfinished imports into a stack, in the user's cache.

    Attributes:
        file: The file.
    """

    file: Path

    @classmethod
    def of(cls, folder: Path, stack: str) -> Unfinished:
        """Return the unfinished imports into a stack.

        Args:
            folder: Folder of the project.
            stack: Name of the stack.
        """
        digest = hashlib.sha256(f"{folder.resolve()}\n{stack}".encode()).hexdigest()[:16]
        return cls(cache_dir("unfinished-imports") / f"{digest}.json")

    def load(self) -> tuple[ImportEntry, ...]:
        """Return the entries. A missing or damaged file has none."""
        with suppress(OSError, ValueError):
            return _ENTRIES.validate_json(self.file.read_bytes())
        return ()

    def save(self, entries: Sequence[ImportEntry]) -> None:
        """Save the entries whose program is not written yet: before an import, all of them.

        Raises:
            OSError: The file cannot be written.
        """
        if entries:
            write_cache_file(self.file, json.dumps([asdict(entry) for entry in entries]).encode())
        else:
            self.file.unlink(missing_ok=True)
