"""Hide the traceback of Pulumi's event loop when Pulumi's language host interrupts the program.

When a resource fails, and on Ctrl-C, the language host sends SIGINT to the program (Pulumi 3.259, usually twice). The
signal interrupts Pulumi's event loop, and Python prints about 25 lines of traceback below the actual error.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import pulumi

if TYPE_CHECKING:
    from collections.abc import Iterator

_raised: list[BaseException] = []
"""Exceptions raised by SIGINT. They are recorded because a program can also raise `KeyboardInterrupt`."""


def hide_interrupts_by_host() -> None:
    """Suppress the traceback when the language host interrupts the program. Call this when registering a resource.

    Only the report of the exception changes: `finally` blocks and atexit handlers still run, and the exit code stays
    the same. The function has no effect outside of a program run by a language host, in a thread other than the main
    thread, or if the program has its own SIGINT handler.
    """
    if not _is_run_by_language_host() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    signal.signal(signal.SIGINT, _raise_interrupt)
    excepthook, unraisablehook = sys.excepthook, sys.unraisablehook

    def report(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        if not _is_only_an_interrupt(error):
            excepthook(kind, error, traceback)

    def report_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_value is None or not _is_only_an_interrupt(unraisable.exc_value):
            unraisablehook(unraisable)

    sys.excepthook, sys.unraisablehook = report, report_unraisable


def _is_run_by_language_host() -> bool:
    """Return whether Pulumi runs this program in the main thread. It does not for mocks and inline programs."""
    from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub  # noqa: PLC0415 - already loaded by Pulumi

    return threading.current_thread() is threading.main_thread() and isinstance(
        pulumi.runtime.settings.get_monitor(), ResourceMonitorStub
    )


def _raise_interrupt(_signal: int, _frame: object) -> NoReturn:
    interrupt = KeyboardInterrupt()
    _raised.append(interrupt)
    raise interrupt


def _is_only_an_interrupt(error: BaseException) -> bool:
    """Return whether SIGINT raised the exception and no exception of the program is in its chain."""
    return all(found in _raised for found in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its chain of causes and contexts."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
