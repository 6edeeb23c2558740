"""Pacing of the calls that some organizations may make only 7 to 10 times a minute.

Nothing is paced until the service says that calls come too fast. From then on all callers of the process queue up
for one token bucket instead of backing off each alone, until nobody queues and a minute has passed without such
an answer.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0
LONGEST_HOLD = 120.0
"""Seconds that one answer can hold all calls back; who is told to wait longer fails, and tells so."""


@dataclass(frozen=True)
class Time:
    """Clocks and sleep.

    Attributes:
        clock: Seconds that only ever grow.
        sleep: Waits for so many seconds.
        wall: Unix seconds.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time


REAL_TIME = Time()


@dataclass
class Pace:
    """A token bucket that holds one token: no minute sees more calls than the rate and one.

    Attributes:
        time: Clock and sleep.
    """

    time: Time = REAL_TIME
    _lock: Lock = field(default_factory=Lock)
    _queue: deque[object] = field(default_factory=deque)
    _next: float = 0.0
    _quiet_from: float = float("-inf")

    def wait(self, per_minute: float) -> float:
        """Waits for this caller's turn, first come, first served, and gives the seconds that it took.

        Args:
            per_minute: Calls a minute, more than 0.
        """
        began, ticket = self.time.clock(), object()
        with self._lock:
            if not self._queue and began >= self._quiet_from:
                return 0.0
            self._queue.append(ticket)
        try:
            while (pause := self._turn(ticket, MINUTE / per_minute)) > 0:
                self.time.sleep(pause)
        finally:
            self._forget(ticket)
        return self.time.clock() - began

    def slow_down(self, per_minute: float, retry_after: float | None = None) -> None:
        """Takes note that the service found the calls too fast.

        Args:
            per_minute: Calls a minute from now on, more than 0.
            retry_after: Seconds for which the service asks to be left alone.
        """
        pause = max(MINUTE / per_minute, min(retry_after or 0.0, LONGEST_HOLD))
        with self._lock:
            now = self.time.clock()
            self._quiet_from = now + MINUTE
            self._next = max(self._next, now + pause)

    def _turn(self, ticket: object, interval: float) -> float:
        """Seconds until it may be the ticket's turn; at 0 it is, and the token is taken."""
        with self._lock:
            now, before = self.time.clock(), self._queue.index(ticket)
            pause = max(self._next - now, 0.0) + before * interval
            if pause <= 0:
                self._next = now + interval
                self._queue.popleft()
            return pause

    def _forget(self, ticket: object) -> None:
        """Takes a caller out of the queue who was interrupted."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)


_paces: dict[tuple[str, str, Time], Pace] = {}
_making = Lock()


def pace_of(base_url: str, key: str, time: Time = REAL_TIME) -> Pace:
    """The one pace of this process for a key of a service."""
    with _making:
        return _paces.setdefault((base_url, key, time), Pace(time))
