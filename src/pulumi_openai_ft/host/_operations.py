"""Running operations (create, update, delete and others), and their interruption with Ctrl-C."""

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

GRACE_PERIOD = 1.0
"""Maximum number of seconds for an interrupted operation to finish before it is abandoned."""
INTERRUPTED = "the command was interrupted while waiting for a response from the service"
_current: ContextVar[Operation] = ContextVar("operation")


class Operation:
    """An operation on a resource.

    Attributes:
        urn: URN of the resource.
        timeout: The program's `custom_timeouts` for this operation in seconds, or None without one.
        created: The created resource, which the engine records if the rest of the operation fails.
    """

    def __init__(self, urn: str, timeout: float = 0.0) -> None:
        self.urn = urn
        self.timeout = timeout or None
        self.created: CreateResult | None = None
        self._outcome: Future[Any] = Future()
        self._lock = Lock()
        self._is_creating = False

    @staticmethod
    def current() -> Operation:
        """Return the operation of this thread."""
        return _current.get()

    def enter(self) -> None:
        """Make this the operation of this thread."""
        _current.set(self)

    def mark_creating(self) -> None:
        """Note that a create request is about to be sent. Until its result is known, do not abandon the operation.

        Raises:
            CommandInterruptedError: The operation was already abandoned.
        """
        with self._lock:
            if self._outcome.done():
                raise CommandInterruptedError(INTERRUPTED)
            self._is_creating = True

    def mark_created(self, created: CreateResult) -> None:
        """Note that the resource exists, so that its id is not lost if the operation fails."""
        with self._lock:
            self.created, self._is_creating = created, False

    def run(self, work: Callable[[], Any]) -> Any:
        """Run the work in a thread and return its result. Raise `CommandInterruptedError` once it is abandoned."""
        self.enter()
        Thread(target=copy_context().run, args=(self._work, work), daemon=True).start()
        return self._outcome.result()

    def abandon(self) -> None:
        """Stop waiting for a request that does not finish, unless the request may create a resource."""
        with self._lock, suppress(InvalidStateError):  # the operation has just finished
            if not self._is_creating:
                self._outcome.set_exception(CommandInterruptedError(INTERRUPTED))

    def _work(self, work: Callable[[], Any]) -> None:
        with suppress(InvalidStateError):  # the operation was abandoned
            try:
                self._outcome.set_result(work())
            except BaseException as error:  # noqa: BLE001 - raised again in `run`
                self._outcome.set_exception(error)


class Operations:
    """The running operations of this process.

    Attributes:
        interrupted: Set once the user has interrupted the command.
    """

    def __init__(self) -> None:
        self.interrupted = Event()
        self._lock = Lock()
        self._running: set[Operation] = set()

    def run(self, operation: Operation, work: Callable[[], Any]) -> Any:
        """Run an operation; see `Operation.run`."""
        with self._lock:
            self._running.add(operation)
        try:
            return operation.run(work)
        finally:
            with self._lock:
                self._running.discard(operation)

    def interrupt(self) -> None:
        """Wake all sleeping operations. After the grace period, abandon operations that wait for a response."""
        if not self.interrupted.is_set():
            self.interrupted.set()
            Thread(target=self._abandon_running, daemon=True).start()

    def _abandon_running(self) -> None:
        while True:
            time.sleep(GRACE_PERIOD)
            with self._lock:
                running = list(self._running)
            for operation in running:
                operation.abandon()
