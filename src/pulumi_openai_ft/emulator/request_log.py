"""The journal of requests and their results."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

KEPT_ENTRIES = 10_000


@dataclass(slots=True)
class JournalEntry:
    """A request.

    Attributes:
        number: Number of the request, from 1.
        at: Time of the request, in Unix seconds of the emulator's clock.
        method: HTTP method.
        path: Path of the URL.
        query: Query string.
        request_id: The `x-request-id` of the response.
        route: Path with placeholders; None for unknown paths.
        status: HTTP status; None without a response.
        seconds: Real seconds until the response.
        key: Masked key.
        project: Project of the request.
        fault: Action of the fault that affected the request.
        body: JSON body of the request.
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
    """The last `KEPT_ENTRIES` requests, and the number of all requests per route."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: deque[JournalEntry] = deque(maxlen=KEPT_ENTRIES)
        self._counts: Counter[str] = Counter()
        self._number = 0

    def open(self, at: float, method: str, path: str, query: str, request_id: str) -> JournalEntry:
        """Add an entry. The code that serves the request completes it."""
        with self._lock:
            self._number += 1
            entry = JournalEntry(self._number, at, method, path, query, request_id)
            self._entries.append(entry)
            return entry

    def count(self, entry: JournalEntry) -> None:
        """Count a request by its method and route."""
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
        """Return entries, oldest first.

        Args:
            method: HTTP method.
            path: Glob for the path, or a route.
            status: HTTP status.
            after: Only return entries with a higher number.
        """
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
        """Return the number of requests per method and route, such as `GET /v1/files`."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Remove all entries and counts."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()
