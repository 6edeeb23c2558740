"""Time as a parameter: what the timestamps show, and how far training has come."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Moment:
    """A reading of the clock: seconds of the source, and seconds that were skipped by `advance`."""

    real: float
    skipped: float

    @property
    def now(self) -> float:
        """Unix seconds, as the API's timestamps show them."""
        return self.real + self.skipped


class Clock:
    """Two times in one place.

    The API's timestamps are real time plus what `advance` skipped, so that they agree with the clocks of clients.
    Training runs in simulated seconds: `speed` of them pass in one real second, `per_read` of them each time that
    the job is read, and all that `advance` skips.
    """

    def __init__(
        self, *, speed: float = 0.0, per_read: float = 0.0, source: Callable[[], float] = time.time
    ) -> None:
        self.speed = speed
        self.per_read = per_read
        self.skipped = 0.0
        self._source = source
        self._reads: Counter[str] = Counter()

    @classmethod
    def at_once(cls) -> Clock:
        """A job is over when it is first read after its creation."""
        return cls(per_read=inf)

    @classmethod
    def by_polls(cls, reads: int, job_seconds: float) -> Clock:
        """A job is over when it has been read `reads` times."""
        return cls(per_read=job_seconds / reads)

    @classmethod
    def manual(cls, start: float | None = None) -> Clock:
        """Time stands still, except for `advance`."""
        frozen = time.time() if start is None else start
        return cls(source=lambda: frozen)

    def moment(self) -> Moment:
        """Reads the clock."""
        return Moment(self._source(), self.skipped)

    def now(self) -> float:
        """Unix seconds, as the API's timestamps show them."""
        return self.moment().now

    def advance(self, seconds: float) -> None:
        """Skips simulated seconds, for timestamps and for training alike."""
        self.skipped += seconds

    def read(self, job_id: str) -> None:
        """Notes that a client read the job."""
        if self.per_read:
            self._reads[job_id] += 1

    def moved(self, job_id: str, since: Moment, until: Moment) -> float:
        """Simulated seconds that the job has moved between two readings; uses up its reads."""
        passed = (until.real - since.real) * self.speed + (until.skipped - since.skipped)
        reads = self._reads.pop(job_id, 0)
        return max(0.0, passed) + (reads * self.per_read if reads else 0.0)
