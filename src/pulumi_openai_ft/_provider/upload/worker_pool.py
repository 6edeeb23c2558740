"""A pool of threads that perform numbered tasks until a task fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CALLBACK_INTERVAL = 0.2
"""Seconds between calls of the callback while waiting for the threads."""


class StoppedError(Exception):
    """The pool was stopped."""


@dataclass(slots=True)
class WorkerPool:
    """A pool of daemon threads, which do not keep the process from ending.

    Attributes:
        work: Performs the task with a number.
        threads: Number of threads.
        end: Called when the last thread ends, which may be long after `wait` has returned.
    """

    work: Callable[[int], None]
    threads: int
    end: Callable[[], None]
    _tasks: SimpleQueue[int | None] = field(default_factory=SimpleQueue)
    _lock: Lock = field(default_factory=Lock)
    _ended: Event = field(default_factory=Event)
    _stopped: bool = False
    _running_threads: int = 0
    _error: BaseException | None = None

    def start(self) -> None:
        """Start the threads."""
        self._running_threads = self.threads
        for _ in range(self.threads):
            Thread(target=self._run, daemon=True).start()

    def add(self, number: int) -> None:
        """Add a task to the end of the queue."""
        self._tasks.put(number)

    def raise_error(self) -> None:
        """Raise the error of a failed task, if any."""
        if self._error:
            raise self._error

    def wait(self, callback: Callable[[], None]) -> None:
        """Wait until all tasks are done or a task has failed.

        Args:
            callback: Called every `CALLBACK_INTERVAL` seconds. An exception that it raises ends the wait.
        """
        self._send_sentinels()
        while not self._ended.wait(CALLBACK_INTERVAL):
            callback()
        self.raise_error()

    def stop(self) -> None:
        """Prevent threads from beginning another task."""
        with self._lock:
            self._stopped = True
        self._send_sentinels()

    def raise_if_stopped(self) -> None:
        """Raise `StoppedError` if the pool was stopped."""
        if self._stopped:
            raise StoppedError

    def record(self, result: Callable[[], None]) -> None:
        """Call a function that records the result of a task. Calls are serialized.

        Raises:
            StoppedError: The pool was stopped.
        """
        with self._lock:
            self.raise_if_stopped()
            result()

    def _send_sentinels(self) -> None:
        """Mark the end of the queue for each thread."""
        for _ in range(self.threads):
            self._tasks.put(None)

    def _next(self) -> int | None:
        number = self._tasks.get()
        return None if self._stopped else number

    def _run(self) -> None:
        try:
            while (number := self._next()) is not None:
                self.work(number)
        except StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 - `wait` raises it again
            self._fail(error)
        with self._lock:
            self._running_threads -= 1
            is_last = not self._running_threads
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
