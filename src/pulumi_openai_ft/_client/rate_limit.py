"""Limits the rate of admin requests. Some organizations may send only 7 to 10 per minute.

Requests are unlimited until the service returns 429. From then on, all callers in this process share a token bucket
instead of backing off separately. The limit ends when the queue is empty and a minute has passed without a 429.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock

from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource

MINUTE = 60.0
PER_MINUTE = 6
"""Requests per minute after a 429 response: OpenAI allows 7 to 10 for admin keys."""
INTERVAL = MINUTE / PER_MINUTE
MAX_DELAY = 120.0
"""Maximum number of seconds for which a response delays all requests. A longer wait is an error that states it."""


@dataclass(slots=True)
class RateLimiter:
    """A token bucket with a capacity of 1: at most `PER_MINUTE` + 1 requests in any minute.

    Attributes:
        time: Clock and sleep.
    """

    time: TimeSource = REAL_TIME
    _lock: Lock = field(default_factory=Lock)
    _queue: deque[object] = field(default_factory=deque)
    _next: float = 0.0
    _quiet_from: float = float("-inf")

    def wait(self) -> None:
        """Wait until this caller may send a request, in the order of arrival."""
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
        """Slow down all requests after a 429 response.

        Args:
            retry_after: Seconds to wait before the next request, from the response.
        """
        pause = max(INTERVAL, min(retry_after or 0.0, MAX_DELAY))
        with self._lock:
            now = self.time.clock()
            self._quiet_from = now + MINUTE
            self._next = max(self._next, now + pause)

    def _turn(self, ticket: object) -> float:
        """Return the seconds until the ticket's next attempt. At 0, take the bucket's token for it."""
        with self._lock:
            now, before = self.time.clock(), self._queue.index(ticket)
            pause = max(self._next - now, 0.0) + before * INTERVAL
            if pause <= 0:
                self._next = now + INTERVAL
                self._queue.popleft()
            return pause

    def _forget(self, ticket: object) -> None:
        """Remove an interrupted caller from the queue."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)


_limiters: dict[tuple[str, str, TimeSource], RateLimiter] = {}
_making = Lock()


def limiter_of(base_url: str, key: str, time: TimeSource = REAL_TIME) -> RateLimiter:
    """Return the rate limiter that this process shares for a service and key."""
    with _making:
        return _limiters.setdefault((base_url, key, time), RateLimiter(time))
