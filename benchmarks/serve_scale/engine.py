"""The engine of the simulation, which trains with stand-ins in a single process."""

from __future__ import annotations

import json
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.serve.job_folder import JobFolder


class StandInEngine:
    """Implements `serve.engine.Engine`.

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

    def start(self, folder: JobFolder, environment: Mapping[str, str]) -> None:  # noqa: ARG002  # no device
        """Start a training run."""
        self._codes[str(folder.path)] = None
        self._command("start", folder)

    def is_alive(self, folder: JobFolder) -> bool:
        """Return whether a training run is not over."""
        return self._codes.get(str(folder.path), 0) is None

    def exit_code(self, folder: JobFolder) -> int | None:
        """Return the exit code of the last training run, or None if it is not over."""
        return self._codes.get(str(folder.path))

    def stop(self, folder: JobFolder, *, kill: bool = False) -> None:
        """Ask a training run to save and end, or kill it."""
        self._command("kill" if kill else "stop", folder)

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
