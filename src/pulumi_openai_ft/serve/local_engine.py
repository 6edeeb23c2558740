"""The engine that trains on this machine: one process per training run."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.child_environment import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pulumi_openai_ft.serve.job_folder import JobFolder

PROGRAM = "pulumi_openai_ft.trainer"
LOCKED = 73
"""Exit code of a trainer: another trainer runs in the folder."""
STOPPED = (75, -signal.SIGTERM)
"""Exit codes of a trainer after SIGTERM: it saved; or Python was still starting, and there was nothing to save."""


class LocalEngine:
    """Starts, finds and stops trainers. They survive the server, which finds them again by the lock of their folder.

    Args:
        python: Python of the environment with the extra `train`.
    """

    def __init__(self, python: Path) -> None:
        self._python = python
        self._children: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self, folder: JobFolder, environment: Mapping[str, str]) -> None:
        """Start a trainer in a separate session, so that Ctrl-C at the server's terminal does not reach it.

        Raises:
            OSError: The Python cannot be executed.
        """
        with folder.log.open("ab") as log:
            self._children[folder.path] = subprocess.Popen(  # noqa: S603  # the operator's Python
                [self._python, "-m", PROGRAM, folder.path],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**without_secrets(), **environment},
                start_new_session=True,
            )

    def is_alive(self, folder: JobFolder) -> bool:
        """Return whether a trainer runs."""
        child = self._children.get(folder.path)
        if child is not None and child.poll() is None:
            return True
        process = folder.process()  # an earlier process of the server may have started it
        return folder.is_locked() or (process is not None and process.is_running())

    def exit_code(self, folder: JobFolder) -> int | None:
        """Return the exit code of the last trainer. None if it runs, or an earlier process of the server started it."""
        child = self._children.get(folder.path)
        return None if child is None else child.poll()

    def stop(self, folder: JobFolder, *, kill: bool = False) -> None:
        """Ask a trainer to save and exit, or kill it."""
        number = signal.SIGKILL if kill else signal.SIGTERM
        child = self._children.get(folder.path)
        if child is not None and child.poll() is None:
            child.send_signal(number)
            return
        process = folder.process()
        if process is not None and process.is_running():
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)

    def forget(self, folder: JobFolder) -> None:
        """Release the process of a run that has ended."""
        self._children.pop(folder.path, None)
