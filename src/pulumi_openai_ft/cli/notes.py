"""Notes for the reader of a command's output, on standard error, so that they are not part of the output."""

from __future__ import annotations

import sys


def note(message: str) -> None:
    """Print a note."""
    print(f"openai-ft: {message}", file=sys.stderr, flush=True)
