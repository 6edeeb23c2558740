"""Progress messages on standard error."""

from __future__ import annotations

import shutil
import sys


def show(step: str) -> None:
    """Show the current step. On a terminal, it replaces the previous step."""
    if sys.stderr.isatty():
        fitting = step[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r\x1b[K{fitting}")
    else:
        sys.stderr.write(f"{step}\n")
    sys.stderr.flush()


def write_line(text: str) -> None:
    """Print a message that is not replaced."""
    clear()
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def clear() -> None:
    """Remove the last step from the terminal."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
