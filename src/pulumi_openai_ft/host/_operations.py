"""Creates, updates and deletes while they run, and what becomes of them when the user presses Ctrl-C."""

from __future__ import annotations

import time
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import ContextVar, copy_context
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.errors import CommandInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi.dynamic import CreateResult

PATIENCE = 1.0
"""Seconds that an interrupted operation gets to end by itself, at the most, before it is left behind."""
INTERRUPTED = "the command was interrupted while the service had not answered"
_current: ContextVar[Operation] = ContextVar("operation")


class Operation:
    """What is done with one resource.

    Attributes:
        urn: The resource.
        created: The resource as it is recorded if nothing more of the operation is heard of.
    """

    def __init__(self, urn: str) -> None:
        self.urn = urn
        self.created: CreateResult | None = None
        self._outcome: Future[Any] = Future()
        self._lock = Lock()
        self._is_creating = False

    @staticmethod
    def current() -> Operation:
        """The operation that this thread works on."""
        return _current.get()

    def enter(self) -> None:
        """Makes this the operation that this thread works on."""
        _current.set(self)

    def mark_creating(self) -> None:
        """Notes that something is about to be created: until that exists, or is not, this cannot be left behind.

        Raises:
            CommandInterruptedError: It was left behind.
        """
        with self._lock:
            if self._outcome.done():
                raise CommandInterruptedError(INTERRUPTED)
            self._is_creating = True

    def mark_created(self, created: CreateResult) -> None:
        """Notes that the resource exists: from now on its id must not be lost."""
        with self._lock:
            self.created, self._is_creating = created, False

    def run(self, work: Callable[[], Any]) -> Any:
        """What the work gives or raises, or `CommandInterruptedError` as soon as it is left behind."""
        self.enter()
        Thread(target=copy_context().run, args=(self._work, work), daemon=True).start()
        return self._outcome.result()

    def abandon(self) -> None:
        """Waits no longer for what hangs in a request, unless something may come to exist by it."""
        with self._lock, suppress(InvalidStateError):  # it has just ended
            if not self._is_creating:
                self._outcome.set_exception(CommandInterruptedError(INTERRUPTED))

    def _work(self, work: Callable[[], Any]) -> None:
        with suppress(InvalidStateError):  # it was left behind
            try:
                self._outcome.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self._outcome.set_exception(error)


class Operations:
    """All that run in this process.

    Attributes:
        interrupted: Set when the user has interrupted the command.
    """

    def __init__(self) -> None:
        self.interrupted = Event()
        self._lock = Lock()
        self._running: set[Operation] = set()

    def run(self, operation: Operation, work: Callable[[], Any]) -> Any:
        """Runs an operation; see `Operation.run`."""
        with self._lock:
            self._running.add(operation)
        try:
            return operation.run(work)
        finally:
            with self._lock:
                self._running.discard(operation)

    def interrupt(self) -> None:
        """Wakes everyone who sleeps. Who hangs in a request is left behind a little later."""
        if not self.interrupted.is_set():
            self.interrupted.set()
            Thread(target=self._leave, daemon=True).start()

    def _leave(self) -> None:
        while True:
            time.sleep(PATIENCE)
            with self._lock:
                running = list(self._running)
            for operation in running:
                operation.abandon()
