"""Threads that do numbered pieces of work, a few at a time, until one fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BETWEEN_LOOKS = 0.2
"""Seconds between two calls of who waits for the threads."""


class StoppedError(Exception):
    """Nobody wants the work any more."""


@dataclass(slots=True)
class WorkerPool:
    """Threads at work. None of them keeps the process from ending.

    Attributes:
        work: Does the piece of a number.
        threads: How many at a time.
        end: Called when the last of them has nothing more to do, which may be long after the wait.
    """

    work: Callable[[int], None]
    threads: int
    end: Callable[[], None]
    _pieces: SimpleQueue[int | None] = field(default_factory=SimpleQueue)
    _lock: Lock = field(default_factory=Lock)
    _ended: Event = field(default_factory=Event)
    _stopped: bool = False
    _at_work: int = 0
    _error: BaseException | None = None

    def start(self) -> None:
        """Sets the threads to work."""
        self._at_work = self.threads
        for _ in range(self.threads):
            Thread(target=self._run, daemon=True).start()

    def add(self, number: int) -> None:
        """Lets a piece be done, after those that were added before."""
        self._pieces.put(number)

    def raise_error(self) -> None:
        """Raises what a piece of work has raised."""
        if self._error:
            raise self._error

    def wait(self, look: Callable[[], None]) -> None:
        """Waits until all that was added is done or something has failed.

        Args:
            look: Called again and again meanwhile. What it raises ends the wait.
        """
        self._send_sentinels()
        while not self._ended.wait(BETWEEN_LOOKS):
            look()
        self.raise_error()

    def stop(self) -> None:
        """Lets nobody begin another piece."""
        with self._lock:
            self._stopped = True
        self._send_sentinels()

    def raise_if_stopped(self) -> None:
        """Raises `StoppedError` where the work is not wanted any more."""
        if self._stopped:
            raise StoppedError

    def record(self, result: Callable[[], None]) -> None:
        """Takes note of what a piece of work has come to, one at a time. Raises `StoppedError` where nobody wants it."""
        with self._lock:
            self.raise_if_stopped()
            result()

    def _send_sentinels(self) -> None:
        """Tells each thread that nothing comes after what was added."""
        for _ in range(self.threads):
            self._pieces.put(None)

    def _next(self) -> int | None:
        number = self._pieces.get()
        return None if self._stopped else number

    def _run(self) -> None:
        try:
            while (number := self._next()) is not None:
                self.work(number)
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._fail(error)
        with self._lock:
            self._at_work -= 1
            is_last = not self._at_work
        if is_last:
            try:
                self.end()
            finally:
                self._ended.set()

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._error = self._error or error
            self._stopped = True
        self._ended.set()
