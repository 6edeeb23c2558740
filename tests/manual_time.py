"""Time for tests of waiting: all clocks move only while somebody sleeps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pulumi_openai_ft._service.pace import Time


@dataclass
class ManualTime:
    """Starts at the real time, so that it fits what a service says of its objects."""

    seconds: float = field(default_factory=time.time)
    pauses: list[float] = field(default_factory=list)

    @property
    def time(self) -> Time:
        return Time(clock=self.now, sleep=self.sleep, wall=self.now)

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
