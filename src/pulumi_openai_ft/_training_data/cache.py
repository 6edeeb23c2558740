"""Cache for hashes of unchanged files and for reports on contents, so that a file is not read twice.

Cache entries that cannot be read count as missing. Entries that cannot be written are kept in this process.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file
from pulumi_openai_ft._training_data.reader import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGE = "pulumi-openai-ft"
SETTLED_NS = 2_000_000_000
"""Minimum age of a file's last change, in nanoseconds, for its hash to be cached.

A later change within the same tick of the file system's clock would not alter the times of the file. Git calls such
files racily clean.
"""
MOST_ENTRIES = 400
"""Maximum number of cache entries. A quarter of them is deleted when the cache exceeds it."""
MOST_REPORTS = 8
"""Maximum number of cached reports per content."""
UNUSABLE = (OSError, ValueError, msgspec.MsgspecError)
_UNWRITTEN: dict[Path, Any] = {}
"""Entries that could not be written, by their intended path. A preview needs the same entry several times."""

Report = TypeVar("Report")
Entry = TypeVar("Entry")


class _File(msgspec.Struct):
    state: State
    sha256: str


class _Content(msgspec.Struct, Generic[Report]):
    sha256: str
    reports: dict[str, Report]


@dataclass(slots=True)
class Cache(Generic[Report]):
    """A folder of small files that map a file's state to its hash, and a content's hash to its reports.

    Attributes:
        kind: Class of the reports: a dataclass.
        folder: Folder of the entries. By default, it is in the user's cache folder; None disables the cache.
        now: Function that returns the time in nanoseconds since 1970.
    """

    kind: type[Report]
    folder: Path | None = field(default_factory=lambda: cache_dir("training-data"))
    now: Callable[[], int] = time.time_ns

    def sha256(self, path: str | os.PathLike[str]) -> str | None:
        """Return the cached hash of a file, or None if the file has changed or is not cached."""
        state = _state(path)
        entry = self._read(_name(state), _File) if state else None
        return entry.sha256 if entry and entry.state == state else None

    def report(self, sha256: str, options: str) -> Report | None:
        """Return the cached report on the content with this hash, checked with these options, or None."""
        return self._reports(sha256).get(_key(options))

    def remember_file(self, state: State, sha256: str, started: int) -> None:
        """Cache the hash of a file, unless the file changed so recently that another change may go unnoticed.

        Args:
            state: State of the file while it was read.
            sha256: Hash of the file's content.
            started: Time just before the file was opened, in nanoseconds since 1970.
        """
        if max(state.modified_ns, state.changed_ns) <= started - SETTLED_NS:
            self._write(_name(state), _File(state, sha256))

    def remember_report(self, sha256: str, options: str, report: Report) -> None:
        """Cache a report on the content with this hash, checked with these options."""
        reports = [*self._reports(sha256).items(), (_key(options), report)]
        self._write(f"{sha256}.json", _Content(sha256, dict(reports[-MOST_REPORTS:])))

    def _reports(self, sha256: str) -> dict[str, Report]:
        entry: _Content[Report] | None = self._read(f"{sha256}.json", _Content[self.kind])  # type: ignore[name-defined]
        return entry.reports if entry and entry.sha256 == sha256 else {}

    def _read(self, name: str, kind: type[Entry]) -> Entry | None:
        if self.folder is None:
            return None
        path = self.folder / name
        if path in _UNWRITTEN:
            entry: Entry = _UNWRITTEN[path]
            return entry
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except UNUSABLE:
            return None

    def _write(self, name: str, entry: msgspec.Struct) -> None:
        if self.folder is None:
            return
        path = self.folder / name
        try:
            write_cache_file(path, msgspec.json.encode(entry))
        except UNUSABLE:
            _UNWRITTEN[path] = entry
            return
        _UNWRITTEN.pop(path, None)
        with contextlib.suppress(OSError):  # another process may prune the same folder
            _prune(self.folder)


def _state(path: str | os.PathLike[str]) -> State | None:
    try:
        return State.of(os.stat(path))  # noqa: PTH116 - keeps the path unchanged
    except (OSError, ValueError):
        return None


def _name(state: State) -> str:
    return f"{state.device:x}-{state.inode:x}.json"


def _key(options: str) -> str:
    """Return the key of a report. Another version of the package may apply other rules."""
    return f"{_version()} {options}"


@cache
def _version() -> str:
    return version(PACKAGE)


def _prune(folder: Path) -> None:
    if len(os.listdir(folder)) <= MOST_ENTRIES:  # noqa: PTH208 - creating path objects takes ten times as long
        return
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[MOST_ENTRIES - MOST_ENTRIES // 4 :]:
        file.unlink(missing_ok=True)
