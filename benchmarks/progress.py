"""Says on stderr what runs now."""

from __future__ import annotations

import shutil
import sys


def show(step: str) -> None:
    """Shows a step: on a terminal in place of the one before."""
    if sys.stderr.isatty():
        fitting = step[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r\x1b[K{fitting}")
    else:
        sys.stderr.write(f"{step}\n")
    sys.stderr.flush()


def say(text: str) -> None:
    """Says something that stays."""
    clear()
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def clear() -> None:
    """Takes the last step off the terminal."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
