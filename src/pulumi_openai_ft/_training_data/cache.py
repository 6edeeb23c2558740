"""Remembers files that have not changed, and what was found in contents, so that neither need be read again.

Whatever goes wrong with the cache, it is as if it were empty; what cannot be written is remembered by this process.
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
"""How long a file must have been left alone before it was read to be known by its times: as git holds it, a change
within a tick of the file system's clock does not show in them."""
MOST_ENTRIES = 400
"""Files, and contents of files, that are remembered; a quarter of them goes when there are more."""
MOST_REPORTS = 8
"""Reports of one content that are remembered."""
UNUSABLE = (OSError, ValueError, msgspec.MsgspecError)
_UNWRITTEN: dict[Path, Any] = {}
"""Entries by where they should be: a preview asks the same several times, and a long file takes long to read."""

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
    """The hashes of files by their states, and what was found in contents by their hashes: a folder of small files.

    Attributes:
        kind: Class of what is found: a dataclass.
        folder: Where, the user's cache folder by default; None for nowhere.
        now: Gives the time, in nanoseconds since 1970.
    """

    kind: type[Report]
    folder: Path | None = field(default_factory=lambda: cache_dir("training-data"))
    now: Callable[[], int] = time.time_ns

    def sha256(self, path: str | os.PathLike[str]) -> str | None:
        """The hash of a file that has not changed since it was remembered."""
        state = _state(path)
        found = self._read(_name(state), _File) if state else None
        return found.sha256 if found and found.state == state else None

    def report(self, sha256: str, terms: str) -> Report | None:
        """What was found by these terms in the content of this hash."""
        return self._reports(sha256).get(_key(terms))

    def remember_file(self, state: State, sha256: str, began: int) -> None:
        """Remembers the hash of a file, unless a change of it might not show.

        Args:
            state: Its state while it was read.
            sha256: Its hash.
            began: The time just before it was opened.
        """
        if max(state.modified_ns, state.changed_ns) <= began - SETTLED_NS:
            self._write(_name(state), _File(state, sha256))

    def remember_report(self, sha256: str, terms: str, report: Report) -> None:
        """Remembers what was found by these terms in the content of this hash."""
        reports = [*self._reports(sha256).items(), (_key(terms), report)]
        self._write(f"{sha256}.json", _Content(sha256, dict(reports[-MOST_REPORTS:])))

    def _reports(self, sha256: str) -> dict[str, Report]:
        found: _Content[Report] | None = self._read(f"{sha256}.json", _Content[self.kind])  # type: ignore[name-defined]
        return found.reports if found and found.sha256 == sha256 else {}

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
        with contextlib.suppress(OSError):  # another process prunes it too
            _prune(self.folder)


def _state(path: str | os.PathLike[str]) -> State | None:
    try:
        return State.of(os.stat(path))  # noqa: PTH116 - a path as it was written
    except (OSError, ValueError):
        return None


def _name(state: State) -> str:
    return f"{state.device:x}-{state.inode:x}.json"


def _key(terms: str) -> str:
    """Another version of the package may judge otherwise."""
    return f"{_version()} {terms}"


@cache
def _version() -> str:
    return version(PACKAGE)


def _prune(folder: Path) -> None:
    if len(os.listdir(folder)) <= MOST_ENTRIES:  # noqa: PTH208 - a path for each takes ten times as long
        return
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[MOST_ENTRIES - MOST_ENTRIES // 4 :]:
        file.unlink(missing_ok=True)
