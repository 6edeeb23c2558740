"""Errors of the tools that fill the cache, and how their commands end."""

import signal
import sys
from collections.abc import Callable

INTERRUPTED = 130


class ProblemError(Exception):
    """An error for the user. The message states the problem, its location, and the next step."""


def exit_code(name: str, command: Callable[[], int]) -> int:
    """Run the command of a tool, and return its exit code. Report an error in one sentence that starts with a name."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        return command()
    except (ProblemError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted; partial results were removed", file=sys.stderr)
        return INTERRUPTED
