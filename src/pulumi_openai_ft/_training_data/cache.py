"""Remembers what was found in files, so that one that has not changed need not be read again.

Whatever goes wrong with the cache, it is as if it were empty.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from pulumi_openai_ft._disk import remembered, write_remembered
from pulumi_openai_ft._training_data.lines import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGE = "pulumi-openai-ft"
SETTLED_NS = 2_000_000_000
"""How long a file must have been left alone before it was read to be known by its times: as git holds it, a change
within a tick of the file system's clock does not show in them."""
MOST_FILES = 200
MOST_REPORTS = 8
"""Files, and reports of one file, that are remembered."""
UNUSABLE = (OSError, ValueError, msgspec.MsgspecError)

Report = TypeVar("Report")


class _Entry(msgspec.Struct, Generic[Report]):
    state: State
    sha256: str
    reports: dict[str, Report] = {}


@dataclass
class Cache(Generic[Report]):
    """What was found in files, in a folder of small files.

    Attributes:
        kind: Class of what is remembered: a dataclass.
        folder: Where, the user's cache folder by default; None for nowhere.
        now: Gives the time, in nanoseconds since 1970.
    """

    kind: type[Report]
    folder: Path | None = field(default_factory=lambda: remembered("training-data"))
    now: Callable[[], int] = time.time_ns

    def sha256(self, path: str | os.PathLike[str]) -> str | None:
        """The hash of a file that has not changed since it was remembered."""
        entry = self._entry(_state(path))
        return entry.sha256 if entry else None

    def report(self, path: str | os.PathLike[str], terms: str) -> Report | None:
        """What was found by these terms in a file that has not changed since."""
        entry = self._entry(_state(path))
        return entry.reports.get(_key(terms)) if entry else None

    def remember(self, state: State, sha256: str, began: int, reports: dict[str, Report]) -> None:
        """Remembers a file.

        Args:
            state: Its state while it was read.
            sha256: Its hash.
            began: The time just before it was opened.
            reports: What was found, by terms.
        """
        if self.folder is None or max(state.modified_ns, state.changed_ns) > began - SETTLED_NS:
            return
        known = self._entry(state)
        kept = {**(known.reports if known else {}), **{_key(terms): one for terms, one in reports.items()}}
        entry = _Entry(state, sha256, dict(list(kept.items())[-MOST_REPORTS:]))
        with contextlib.suppress(*UNUSABLE):
            write_remembered(self._file(self.folder, state), msgspec.json.encode(entry))
            _prune(self.folder)

    def _entry(self, state: State | None) -> _Entry[Report] | None:
        if self.folder is None or state is None:
            return None
        try:
            data = self._file(self.folder, state).read_bytes()
            entry: _Entry[Report] = msgspec.json.decode(data, type=_Entry[self.kind])  # type: ignore[name-defined]
        except UNUSABLE:
            return None
        return entry if entry.state == state else None

    @staticmethod
    def _file(folder: Path, state: State) -> Path:
        return folder / f"{state.device:x}-{state.inode:x}.json"


def _state(path: str | os.PathLike[str]) -> State | None:
    try:
        return State.of(os.stat(path))  # noqa: PTH116 - a path as it was written
    except (OSError, ValueError):
        return None


def _key(terms: str) -> str:
    """Another version of the package may judge otherwise."""
    return f"{version(PACKAGE)} {terms}"


def _prune(folder: Path) -> None:
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[MOST_FILES:]:
        file.unlink(missing_ok=True)
