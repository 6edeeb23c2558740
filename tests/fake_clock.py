"""Clocks for tests: time passes only while code under test sleeps, or when a test moves it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Condition
from typing import Self

from pulumi_openai_ft._shared.clock import TimeSource

WALL = 1_800_000_000.0
"""A Unix time for tests that need no service."""


@dataclass
class FakeClock:
    """Clock of one thread. It starts at the real time, which fits the times of an emulator's objects."""

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
    """Clock of many threads: a sleeping one wakes when the test has moved the clock far enough, or is over."""

    now: float = WALL
    sleepers: int = 0
    _over: bool = False
    _changed: Condition = field(default_factory=Condition)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    @property
    def time(self) -> TimeSource:
        return TimeSource(clock=lambda: self.now, sleep=self.sleep, wall=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        with self._changed:
            until = self.now + seconds
            self.sleepers += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._over or self.now >= until)
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
