"""A count on the terminal, for work that takes long."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

from pulumi_openai_ft.cli.progress_bar import CLEARED

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL, INTERVAL_WITHOUT_TERMINAL = 0.1, 30.0
"""Seconds between two updates. Without a terminal, each is a line."""


class ProgressCounter:
    """A count such as `12 of 100 resources imported`.

    Args:
        unit: The words after the numbers.
        stream: Output stream; standard error by default.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self, unit: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._unit, self._clock = unit, clock
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._interval = INTERVAL if self._is_terminal else INTERVAL_WITHOUT_TERMINAL
        self._next = -float("inf") if self._is_terminal else clock() + self._interval
        self._is_shown = False

    def show(self, done: int, total: int) -> None:
        """Show how much of the work is done, unless the last update was a moment ago."""
        now = self._clock()
        if now < self._next:
            return
        self._next, self._is_shown = now + self._interval, self._is_terminal
        line = f"{done:,} of {total:,} {self._unit}"
        self._stream.write(f"{CLEARED}{line}" if self._is_terminal else f"openai-ft: {line}\n")
        self._stream.flush()

    def close(self) -> None:
        """Remove the count from the terminal."""
        if self._is_shown:
            self._stream.write(CLEARED)
            self._stream.flush()
