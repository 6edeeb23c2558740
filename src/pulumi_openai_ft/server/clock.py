"""The clock of a service, which determines timestamps."""

from __future__ import annotations

import time
from typing import ClassVar, Protocol


class Clock(Protocol):
    """A clock for timestamps.

    Attributes:
        is_simulated: Whether objects may have timestamps of the future, which hide them from lists until then.
    """

    is_simulated: ClassVar[bool]

    def now(self) -> float:
        """Return the Unix seconds that the API's timestamps show."""

    def read(self, job_id: str) -> None:
        """Record that a client read the job."""


class SystemClock:
    """The clock of the machine, which may be set back."""

    is_simulated: ClassVar[bool] = False

    def now(self) -> float:
        """Return the Unix seconds."""
        return time.time()

    def read(self, job_id: str) -> None:
        """Do nothing: reads do not affect real time."""
