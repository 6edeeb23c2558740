"""Limits the rate of admin requests, of which some organizations may send only 7 to 10 a minute.

Nothing is limited until the service answers that requests come too fast. From then on, all callers of the process
queue for one token bucket instead of backing off separately, until the queue is empty and a minute has passed
without such a response.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock

from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource

MINUTE = 60.0
PER_MINUTE = 6
"""Requests a minute once the service has answered 429: OpenAI allows 7 to 10 for admin keys."""
INTERVAL = MINUTE / PER_MINUTE
LONGEST_HOLD = 120.0
"""Seconds for which one response can hold back all requests. A longer wait is an error that states it."""


@dataclass
class RateLimiter:
    """A token bucket that holds one token: no minute sees more than `PER_MINUTE` requests and one.

    Attributes:
        time: Clock and sleep.
    """

    time: TimeSource = REAL_TIME
    _lock: Lock = field(default_factory=Lock)
    _queue: deque[object] = field(default_factory=deque)
    _next: float = 0.0
    _quiet_from: float = float("-inf")

    def wait(self) -> None:
        """Wait for this caller's turn, first come, first served."""
        ticket = object()
        with self._lock:
            if not self._queue and self.time.clock() >= self._quiet_from:
                return
            self._queue.append(ticket)
        try:
            while (pause := self._turn(ticket)) > 0:
                self.time.sleep(pause)
        finally:
            self._forget(ticket)

    def throttle(self, retry_after: float | None = None) -> None:
        """Slow down all requests, because the service found them too fast.

        Args:
            retry_after: Number of seconds for which the service wants no request.
        """
        pause = max(INTERVAL, min(retry_after or 0.0, LONGEST_HOLD))
        with self._lock:
            now = self.time.clock()
            self._quiet_from = now + MINUTE
            self._next = max(self._next, now + pause)

    def _turn(self, ticket: object) -> float:
        """Return the seconds until it may be the ticket's turn; at 0 it is, and the token is taken."""
        with self._lock:
            now, before = self.time.clock(), self._queue.index(ticket)
            pause = max(self._next - now, 0.0) + before * INTERVAL
            if pause <= 0:
                self._next = now + INTERVAL
                self._queue.popleft()
            return pause

    def _forget(self, ticket: object) -> None:
        """Remove a caller that was interrupted from the queue."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)


_limiters: dict[tuple[str, str, TimeSource], RateLimiter] = {}
_making = Lock()


def limiter_of(base_url: str, key: str, time: TimeSource = REAL_TIME) -> RateLimiter:
    """Return this process's only rate limiter for a key of a service."""
    with _making:
        return _limiters.setdefault((base_url, key, time), RateLimiter(time))
