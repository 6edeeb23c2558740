"""A limit on the number of requests per minute. Source: docs/openai-api.md#rate-limits."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from pulumi_openai_ft.server.errors import ApiError

if TYPE_CHECKING:
    from pulumi_openai_ft.server.clock import Clock

MINUTE = 60.0


@dataclass(slots=True)
class RequestRate:
    """The requests of the last minute.

    Attributes:
        clock: Clock of the service.
    """

    clock: Clock
    _times: deque[float] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def count(self, limit: int | None) -> None:
        """Count a request. Raise a 429 if the last minute has `limit` requests; None means unlimited."""
        now = self.clock.now()
        with self._lock:
            while self._times and self._times[0] <= now - MINUTE:
                self._times.popleft()
            if limit is not None and len(self._times) >= limit:
                pause = self._times[-limit] + MINUTE - now
                raise ApiError(
                    429,
                    f"Rate limit reached for requests with admin keys. Limit: {limit} / min.",
                    kind="rate_limit_error",
                    code="rate_limit_exceeded",
                    headers={"retry-after": str(math.ceil(pause))},
                )
            self._times.append(now)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            self._times.clear()
