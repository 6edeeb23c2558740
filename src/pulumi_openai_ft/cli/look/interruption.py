"""The end of a command that follows a job before the job ends: Ctrl-C, or a signal that ends the process."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from pulumi_openai_ft.cli.look.text import one_line
from pulumi_openai_ft.cli.notes import note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft.cli.look.following import JobFollower

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_EXIT_CODE_OF_SIGNALS = 128


@contextmanager
def announcing_interrupts(follower: JobFollower) -> Iterator[None]:
    """Print after Ctrl-C that the job keeps running. Let other signals end the process after the terminal is restored.

    Raises:
        KeyboardInterrupt: The user pressed Ctrl-C.
        SystemExit: A signal ended the process.
    """
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in former.items():
        if handler is signal.SIG_DFL:  # `nohup` ignores a signal
            signal.signal(number, _exit)
    try:
        yield
    except KeyboardInterrupt:
        job = follower.job
        print(file=sys.stderr)  # after the ^C of the terminal
        note(
            one_line(
                f"stopped watching; job {job.id} is {job.status} at the service and continues. To see it again, run "
                f"`openai-ft watch {job.id}`"
            )
        )
        raise
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _exit(number: int, _frame: object) -> NoReturn:
    raise SystemExit(_EXIT_CODE_OF_SIGNALS + number)
