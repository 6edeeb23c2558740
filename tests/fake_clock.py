"""Clocks for tests: time passes only while the tested code sleeps, or when a test advances it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Condition
from typing import Self

from pulumi_openai_ft._shared.clock import TimeSource

WALL = 1_800_000_000.0
"""A Unix time for tests without a service."""


@dataclass
class FakeClock:
    """A clock for a single thread. It starts at the real time, to match the times of the emulator's objects."""

    now: float = field(default_factory=time.time)
    pauses: list[float] = field(default_factory=list)

    @property
    def time(self) -> TimeSource:
        return TimeSource(clock=lambda: self.now, sleep=self.sleep, wall=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@dataclass
class SharedFakeClock:
    """A clock for several threads. A sleeping thread wakes when the test advances the clock far enough, or ends."""

    now: float = WALL
    sleepers: int = 0
    _is_closed: bool = False
    _changed: Condition = field(default_factory=Condition)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def time(self) -> TimeSource:
        return TimeSource(clock=lambda: self.now, sleep=self.sleep, wall=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        with self._changed:
            until = self.now + seconds
            self.sleepers += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_closed or self.now >= until)
            self.sleepers -= 1
            if self.now < until:
                raise InterruptedError

    def await_sleepers(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.sleepers == number, timeout=10)

    def advance(self, seconds: float) -> None:
        with self._changed:
            self.now += seconds
            self._changed.notify_all()
