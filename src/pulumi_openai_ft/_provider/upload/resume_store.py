"""Records, on this machine, of uploads that may be missing from the state.

They are needed because the API neither lists uploads nor stores metadata of files. Errors of the store are ignored: an
unreadable record counts as missing.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TTL = 86400.0
"""Seconds for which a record is kept."""


@dataclass(slots=True)
class UploadRecord:
    """A record of an upload.

    Attributes:
        began: Time at which the upload began, in Unix seconds.
        before: Ids of the matching files that existed at that time.
        upload_id: Id of a multipart upload.
        expires_at: Time at which the multipart upload expires, in Unix seconds.
        part_size: Size of each part in bytes. The last part may be smaller.
        parts: Ids of the uploaded parts by number.
        file_id: Id of the resulting file.
    """

    began: float
    before: list[str] = field(default_factory=list)
    upload_id: str | None = None
    expires_at: float = 0.0
    part_size: int = 0
    parts: dict[int, str] = field(default_factory=dict)
    file_id: str | None = None


@dataclass(slots=True)
class ResumeStore:
    """A store of upload records, each in a separate file.

    Attributes:
        folder: Directory of the records. Defaults to the user's cache directory.
    """

    folder: Path = field(default_factory=lambda: cache_dir("uploads"))

    def find(self, key: str | None, now: float) -> UploadRecord | None:
        """Return the record of an upload, or None if it is missing or too old.

        Args:
            key: Key of the upload, or None for an upload without records.
            now: Unix seconds.
        """
        record = self._read(self._file(key)) if key else None
        return record if record and record.began > now - TTL else None

    def write(self, key: str | None, record: UploadRecord) -> bool:
        """Write a record atomically, and return whether it was stored."""
        if key is None:
            return False
        with suppress(OSError):
            write_cache_file(self._file(key), json.dumps(asdict(record)).encode())
            return True
        return False

    def forget(self, key: str | None) -> None:
        """Delete a record."""
        with suppress(OSError):
            if key:
                self._file(key).unlink(missing_ok=True)

    def files_of_others(self, key: str | None) -> set[str]:
        """Return the ids of the files in the records of all other uploads."""
        excluded = self._file(key) if key else None
        records = (self._read(file) for file in self._files() if file != excluded)
        return {record.file_id for record in records if record and record.file_id}

    def drop_old(self, now: float) -> None:
        """Delete records that are too old or cannot be read.

        Args:
            now: Unix seconds.
        """
        for file in self._files():
            entry = self._read(file)
            if entry is None or entry.began <= now - TTL:
                with suppress(OSError):
                    file.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _files(self) -> Iterator[Path]:
        with suppress(OSError):
            yield from list(self.folder.glob("*.json"))

    def _read(self, file: Path) -> UploadRecord | None:
        with suppress(OSError, ValueError):
            return _record_adapter().validate_json(file.read_bytes())
        return None


@cache
def _record_adapter() -> TypeAdapter[UploadRecord]:
    return TypeAdapter(UploadRecord)
