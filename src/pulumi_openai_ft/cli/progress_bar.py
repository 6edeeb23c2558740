"""A line on the terminal that tells how far a long file has been read."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = 8_000_000
"""Bytes of a file that takes long enough for a line to be worth it."""
INTERVAL = 0.1
"""Seconds between two changes of the line."""
WIDTH = 24
CLEARED = "\r\x1b[K"


@contextmanager
def progress_bar(
    name: str, terminal: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar while a file is read, if anybody looks, and takes it away afterwards.

    Args:
        name: The file's name.
        terminal: Where; the standard error by default.
        clock: Gives seconds.

    Returns:
        What is to be told how many bytes have been read, and how many there are.
    """
    terminal = sys.stderr if terminal is None else terminal
    bar = _Bar(os.path.basename(name), terminal, clock)  # noqa: PTH119 - a path as it was written
    try:
        yield bar.show if terminal.isatty() else lambda _done, _size: None
    finally:
        bar.clear()


class _Bar:
    def __init__(self, name: str, terminal: TextIO, clock: Callable[[], float]) -> None:
        self._name, self._terminal, self._clock = name, terminal, clock
        self._next = -float("inf")

    def show(self, done: int, size: int) -> None:
        now = self._clock()
        if size < LONG or now < self._next:
            return
        self._next = now + INTERVAL
        full = WIDTH * done // size
        line = f"{self._name} [{'#' * full}{'.' * (WIDTH - full)}] {100 * done // size} % of {size / 1e6:,.0f} MB"
        self._terminal.write(f"{CLEARED}{line}")
        self._terminal.flush()

    def clear(self) -> None:
        if self._next > 0:
            self._terminal.write(CLEARED)
            self._terminal.flush()
