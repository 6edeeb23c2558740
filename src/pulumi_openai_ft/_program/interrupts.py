"""Hides the traceback of Pulumi's event loop when Pulumi's language host interrupts the program.

When a resource fails, and on Ctrl-C, the language host sends SIGINT to the program (Pulumi 3.259, usually twice). The
interrupt strikes Pulumi's event loop, and Python prints some 25 lines about it below the error that matters.
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
"""Interrupts that SIGINT raised; a program can raise `KeyboardInterrupt`, too."""


def hide_interrupts_by_host() -> None:
    """Print nothing when an interrupt by the language host ends the program. Call it when a resource is registered.

    It changes how the exception is reported, not what it does: `finally` blocks and atexit handlers run, and the exit
    code stays the same. It does nothing outside of a program that a language host runs, in a thread, or where the
    program has its own handler of SIGINT.
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
    """Return whether Pulumi runs this program as its main thread, as it does but for mocks and inline programs."""
    from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub  # noqa: PLC0415 - loaded by then

    return threading.current_thread() is threading.main_thread() and isinstance(
        pulumi.runtime.settings.get_monitor(), ResourceMonitorStub
    )


def _raise_interrupt(_signal: int, _frame: object) -> NoReturn:
    interrupt = KeyboardInterrupt()
    _raised.append(interrupt)
    raise interrupt


def _is_only_an_interrupt(error: BaseException) -> bool:
    """Return whether an exception is an interrupt by SIGINT that struck no exception of the program's own."""
    return all(found in _raised for found in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, and each one that it was raised from or while handling."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__
