"""Waits until a signal or another thread requests the end of a server."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class StopRequest:
    """A request to stop, by SIGINT, by SIGTERM, or by another thread.

    It is a queue, because a handler that sets an Event hangs if it interrupts the thread that waits for it and has its lock.
    """

    def __init__(self) -> None:
        self._requests: SimpleQueue[None] = SimpleQueue()

    def make(self) -> None:
        """Make the request."""
        self._requests.put(None)

    def wait(self) -> None:
        """Wait for the request."""
        self._requests.get()

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM make the request. Restore their handlers at the end."""
        before = {
            number: signal.signal(number, lambda *_: self.make())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
