"""The engine of the simulation, which trains with stand-ins in a single process."""

from __future__ import annotations

import json
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.engines.interface import Attempt, Cause, End, Engine, State, end_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.serve.job_folder import JobFolder


class StandInEngine(Engine):
    """Trains with stand-ins.

    Args:
        seconds: Duration of a training run.
        steps: Number of its steps.
    """

    def __init__(self, *, seconds: float, steps: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # a module of this package
            [sys.executable, "-m", "benchmarks.serve_scale.trainers", str(seconds), str(steps)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._codes: dict[str, int | None] = {}
        self._reader = Thread(target=self._read, name="stand-ins", daemon=True)
        self._reader.start()

    def start(self, attempt: Attempt, environment: Mapping[str, str]) -> None:  # noqa: ARG002  # no device
        """Start a training run."""
        self._codes[str(attempt.folder.path)] = None
        self._command("start", attempt.folder)

    def state(self, attempt: Attempt) -> State:
        """Return whether a training run is over, and its exit code."""
        path = str(attempt.folder.path)
        code = self._codes.get(path)
        if code is None:
            return State(None if path in self._codes else End(Cause.UNKNOWN))
        return State(end_of(code))

    def stop(self, attempt: Attempt, *, kill: bool = False) -> None:
        """Ask a training run to save and end, or kill it."""
        self._command("kill" if kill else "stop", attempt.folder)

    def forget(self, folder: JobFolder) -> None:
        """Release the exit code of a training run."""
        self._codes.pop(str(folder.path), None)

    def close(self) -> None:
        """Stop the process of all stand-ins, and wait for its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _command(self, name: str, folder: JobFolder) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps({'do': name, 'folder': str(folder.path)})}\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            ended = json.loads(line)
            self._codes[ended["folder"]] = ended["code"]
