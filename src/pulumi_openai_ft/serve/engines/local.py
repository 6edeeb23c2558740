"""The engine that trains on this machine: one process per training run."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.child_environment import without_secrets
from pulumi_openai_ft.serve.engines.interface import Cause, End, Engine, State, end_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from pulumi_openai_ft.serve.engines.interface import Attempt
    from pulumi_openai_ft.serve.job_folder import JobFolder

PROGRAM = "pulumi_openai_ft.trainer"


class LocalEngine(Engine):
    """Runs trainers as processes. A later server finds them again by the lock of their folder.

    Args:
        python: Python of the environment with the extra `train`.
        secret_variables: Environment variables with keys of the service, which no trainer receives.
    """

    def __init__(self, python: Path, secret_variables: Collection[str]) -> None:
        self._python = python
        self._secret_variables = secret_variables
        self._children: dict[Path, subprocess.Popen[bytes]] = {}

    def start(self, attempt: Attempt, environment: Mapping[str, str]) -> None:
        """Start a trainer in a separate session, so that Ctrl-C at the server's terminal does not reach it.

        Raises:
            OSError: The Python cannot be executed.
        """
        folder = attempt.folder
        with folder.log.open("ab") as log:
            self._children[folder.path] = subprocess.Popen(  # noqa: S603  # the operator's Python
                [self._python, "-m", PROGRAM, folder.path],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**without_secrets(self._secret_variables), **environment},
                start_new_session=True,
            )

    def state(self, attempt: Attempt) -> State:
        """Return the state. The end is unknown if an earlier process of the server started the trainer."""
        folder = attempt.folder
        if self._is_alive(folder):
            return State()
        child = self._children.get(folder.path)
        code = None if child is None else child.poll()
        return State(End(Cause.UNKNOWN) if code is None else _end(code))

    def stop(self, attempt: Attempt, *, kill: bool = False) -> None:
        """Send the process a signal."""
        number = signal.SIGKILL if kill else signal.SIGTERM
        child = self._children.get(attempt.folder.path)
        if child is not None and child.poll() is None:
            child.send_signal(number)
            return
        process = attempt.folder.process()
        if process is not None and process.is_running():
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)

    def _is_alive(self, folder: JobFolder) -> bool:
        child = self._children.get(folder.path)
        if child is not None and child.poll() is None:
            return True
        process = folder.process()  # an earlier process of the server may have started it
        return folder.is_locked() or (process is not None and process.is_running())

    def forget(self, folder: JobFolder) -> None:
        """Release the process of a run that has ended."""
        self._children.pop(folder.path, None)


def _end(code: int) -> End:
    if code == -signal.SIGTERM:  # Python was still starting, and there was nothing to save
        return End(Cause.STOPPED)
    return end_of(code)
