"""The clock of the emulator, which determines timestamps and the progress of training."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Moment:
    """A reading of the clock.

    Attributes:
        real: Seconds of the clock's source.
        skipped: Seconds skipped with `advance`.
    """

    real: float
    skipped: float

    @property
    def now(self) -> float:
        """Return the Unix seconds that the API's timestamps show."""
        return self.real + self.skipped


class Clock:
    """A clock for timestamps and for simulated training.

    The API's timestamps are real time plus the time skipped with `advance`, so that they agree with the clocks of
    clients. Training takes simulated seconds, including all seconds skipped with `advance`.

    Args:
        speed: Simulated seconds per real second.
        per_read: Simulated seconds that pass each time a client reads the job.
        source: Returns the real Unix seconds.
    """

    is_simulated: ClassVar[bool] = True

    def __init__(
        self, *, speed: float = 0.0, per_read: float = 0.0, source: Callable[[], float] = time.time
    ) -> None:
        self.speed = speed
        self.per_read = per_read
        self.skipped: float = 0.0
        self._source = source
        self._reads: Counter[str] = Counter()

    @classmethod
    def at_once(cls) -> Clock:
        """Return a clock with which a job finishes when a client first reads it."""
        return cls(per_read=inf)

    @classmethod
    def by_polls(cls, reads: int, job_seconds: float) -> Clock:
        """Return a clock with which a job finishes after `reads` reads by clients."""
        return cls(per_read=job_seconds / reads)

    @classmethod
    def manual(cls, start: float | None = None) -> Clock:
        """Return a clock that moves only through `advance()`."""
        frozen = time.time() if start is None else start
        return cls(source=lambda: frozen)

    def moment(self) -> Moment:
        """Return a reading of the clock."""
        return Moment(self._source(), self.skipped)

    def now(self) -> float:
        """Return the Unix seconds that the API's timestamps show."""
        return self.moment().now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by simulated seconds, for timestamps and for training."""
        self.skipped += seconds

    def read(self, job_id: str) -> None:
        """Record that a client read the job."""
        if self.per_read:
            self._reads[job_id] += 1

    def moved(self, job_id: str, since: Moment, until: Moment) -> float:
        """Return the job's simulated seconds between two readings of the clock, and reset its recorded reads."""
        passed = (until.real - since.real) * self.speed + (until.skipped - since.skipped)
        reads = self._reads.pop(job_id, 0)
        return max(0.0, passed) + (reads * self.per_read if reads else 0.0)
