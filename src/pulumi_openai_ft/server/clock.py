"""The clock of a service, which determines timestamps."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A clock for timestamps."""

    def now(self) -> float:
        """Return the Unix seconds that the API's timestamps show."""

    def read(self, job_id: str) -> None:
        """Record that a client read the job."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Return the Unix seconds."""
        return time.time()

    def read(self, job_id: str) -> None:
        """Do nothing: reads do not affect real time."""
