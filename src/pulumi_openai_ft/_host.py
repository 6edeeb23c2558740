"""What a provider may ask of the process that it runs in."""

from __future__ import annotations

import sys
from contextlib import suppress


class Host:
    """The stock host: milestones go to stderr, which the engine shows among its diagnostics."""

    def say(self, message: str) -> None:
        """Tells the user something worth keeping."""
        with suppress(BrokenPipeError):  # nobody reads what a host says whose engine was killed
            sys.stderr.write(f"{message}\n")
            sys.stderr.flush()
