"""Progress bar for reading a large file."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = 8_000_000
"""Minimum file size in bytes for which a progress bar is shown."""
INTERVAL = 0.1
"""Seconds between two updates of the bar."""
WIDTH = 24
CLEARED = "\r\x1b[K"


@contextmanager
def progress_bar(
    name: str, terminal: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal while a file is read, and remove it afterwards.

    Args:
        name: Path of the file.
        terminal: Output stream; standard error by default. Without a terminal, no bar is shown.
        clock: Function that returns the time in seconds.

    Yields:
        A function to call with the number of bytes read so far and the size of the file in bytes.
    """
    terminal = sys.stderr if terminal is None else terminal
    bar = _Bar(os.path.basename(name), terminal, clock)  # noqa: PTH119 - keeps the path unchanged
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
