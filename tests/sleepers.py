"""Time for tests: it passes only while somebody sleeps, or when a test moves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Condition
from typing import Self

from pulumi_openai_ft._service.pace import Time

WALL = 1_800_000_000.0


@dataclass
class Sleeper:
    """Time of a single thread: sleeping moves it."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    @property
    def time(self) -> Time:
        return Time(clock=lambda: self.now, sleep=self.sleep, wall=lambda: WALL)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@dataclass
class Stage:
    """Time of many threads: who sleeps wakes when the test has moved the clock far enough, or is over."""

    now: float = 1000.0
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
    def time(self) -> Time:
        return Time(clock=lambda: self.now, sleep=self.sleep, wall=lambda: WALL)

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
