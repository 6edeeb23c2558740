"""What was asked of the emulator, and what became of it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

KEPT_ENTRIES = 10_000


@dataclass(slots=True)
class JournalEntry:
    """A request. `route` is the path with placeholders, `status` None while, or if ever, there was no answer.

    `at` is in the API's unix seconds, `seconds` how long the answer took; `body` is the JSON that was sent,
    `key` is masked, `fault` the action of the fault that struck.
    """

    number: int
    at: float
    method: str
    path: str
    query: str
    request_id: str
    route: str | None = None
    status: int | None = None
    seconds: float | None = None
    key: str | None = None
    project: str | None = None
    fault: str | None = None
    body: Any = None


class Journal:
    """The last requests in full, and the counts of all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: deque[JournalEntry] = deque(maxlen=KEPT_ENTRIES)
        self._counts: Counter[str] = Counter()
        self._number = 0

    def open(self, at: float, method: str, path: str, query: str, request_id: str) -> JournalEntry:
        """Begins an entry; whoever serves the request fills it in."""
        with self._lock:
            self._number += 1
            entry = JournalEntry(self._number, at, method, path, query, request_id)
            self._entries.append(entry)
            return entry

    def count(self, entry: JournalEntry) -> None:
        """Counts a request under its method and route."""
        with self._lock:
            self._counts[f"{entry.method} {entry.route or '(unknown)'}"] += 1

    def entries(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        after: int = 0,
    ) -> list[JournalEntry]:
        """Entries, oldest first, by method, glob of the path or route, status and the number they come after."""
        with self._lock:
            return [
                replace(entry)
                for entry in self._entries
                if method in (None, entry.method)
                and (path is None or fnmatchcase(entry.path, path) or entry.route == path)
                and status in (None, entry.status)
                and entry.number > after
            ]

    def counts(self) -> dict[str, int]:
        """How often each method and route was asked, as `GET /v1/files`."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Forgets entries and counts."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()
