"""What this machine remembers of uploads that no state may know: the API lists none, and files carry no token.

Whatever goes wrong with it, it is as if it were empty.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file
from pulumi_openai_ft._shared.locked_property import locked_cached_property

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TTL = 86400.0
"""Seconds that something is remembered."""


@dataclass
class UploadRecord:
    """An upload.

    Attributes:
        began: When it began, Unix seconds.
        before: Files that looked like it then.
        upload_id: The upload, where it goes in parts.
        expires_at: Until when that waits for its parts, Unix seconds.
        part_size: Bytes of each part but the last.
        parts: Ids of the parts that are at the service, by their numbers.
        file_id: What it has become.
    """

    began: float
    before: list[str] = field(default_factory=list)
    upload_id: str | None = None
    expires_at: float = 0.0
    part_size: int = 0
    parts: dict[int, str] = field(default_factory=dict)
    file_id: str | None = None


@dataclass
class ResumeStore:
    """Entries, each in a small file.

    Attributes:
        folder: Where, the user's cache folder by default.
    """

    folder: Path = field(default_factory=lambda: cache_dir("uploads"))

    def find(self, key: str | None, now: float) -> UploadRecord | None:
        """The entry of a key, unless it is too old.

        Args:
            key: Of the upload; there is nothing under None.
            now: Unix seconds.
        """
        entry = self._read(self._file(key)) if key else None
        return entry if entry and entry.began > now - TTL else None

    def write(self, key: str | None, entry: UploadRecord) -> bool:
        """Writes an entry, and gives whether it is remembered. A reader sees it whole or not at all."""
        if key is None:
            return False
        with suppress(OSError):
            write_cache_file(self._file(key), json.dumps(asdict(entry)).encode())
            return True
        return False

    def forget(self, key: str | None) -> None:
        """Drops an entry."""
        with suppress(OSError):
            if key:
                self._file(key).unlink(missing_ok=True)

    def files_of_others(self, key: str | None) -> set[str]:
        """Files that entries other than that of the key have become."""
        mine = self._file(key) if key else None
        entries = (self._read(file) for file in self._files() if file != mine)
        return {entry.file_id for entry in entries if entry and entry.file_id}

    def drop_old(self, now: float) -> None:
        """Drop entries that are too old to be found, or cannot be read.

        Args:
            now: Unix seconds.
        """
        for file in self._files():
            entry = self._read(file)
            if entry is None or entry.began <= now - TTL:
                with suppress(OSError):
                    file.unlink(missing_ok=True)

    @locked_cached_property
    def _form(self) -> TypeAdapter[UploadRecord]:
        return TypeAdapter(UploadRecord)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _files(self) -> Iterator[Path]:
        with suppress(OSError):
            yield from list(self.folder.glob("*.json"))

    def _read(self, file: Path) -> UploadRecord | None:
        with suppress(OSError, ValueError):
            return self._form.validate_json(file.read_bytes())
        return None
