"""Starts the trainer. A SIGTERM counts as a request to stop from the first moment on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pulumi_openai_ft.trainer.stop import Stop

if TYPE_CHECKING:
    from pulumi_openai_ft.trainer.job_folder import JobFolder
    from pulumi_openai_ft.trainer.plan import Plan
    from pulumi_openai_ft.trainer.request import Request


def main() -> int:
    """Train the job of a folder, and return the exit code."""
    stop = Stop()
    stop.listen()
    from pulumi_openai_ft.trainer.command import run  # noqa: PLC0415  # takes 0.3 s; a stop must not wait for it

    return run(stop, _train)


def _train(folder: JobFolder, request: Request, stop: Stop) -> Plan:
    from pulumi_openai_ft.trainer.training import train  # noqa: PLC0415  # takes seconds; a stop must not wait for it

    stop.check()
    return train(folder, request, stop)


if __name__ == "__main__":
    sys.exit(main())
