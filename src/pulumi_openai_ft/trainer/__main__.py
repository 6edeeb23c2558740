"""Starts the trainer. A SIGTERM counts as a request to stop from the first moment on."""

from __future__ import annotations

import sys

from pulumi_openai_ft.trainer.stop import Stop


def main() -> int:
    """Train the job of a folder, and return the exit code."""
    stop = Stop()
    stop.listen()
    from pulumi_openai_ft.trainer.command import run  # noqa: PLC0415  # takes 0.3 s; a stop must not wait for it

    return run(stop)


if __name__ == "__main__":
    sys.exit(main())
