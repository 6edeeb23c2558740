"""Engine commands that tests watch while they run, and the state and preview of a stack."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import IO, TYPE_CHECKING, Any, Self

from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

MAX_WAIT = 90.0
"""Seconds that a test waits for an event."""
PROCESSES = Path("/proc")
OUR_HOST = b"pulumi_openai_ft.host"


@dataclass(frozen=True)
class FinishedCommand:
    """How a command ended.

    Attributes:
        code: Its exit code.
        text: Its output.
        ended_at: When it ended, on the monotonic clock.
    """

    code: int
    text: str
    ended_at: float


@dataclass
class RunningCommand:
    """A running command, whose output is read as it arrives.

    It leads a process group, as in a terminal, so `interrupt` acts like Ctrl-C.
    """

    process: subprocess.Popen[str]
    started: float
    lines: list[tuple[float, str]] = field(default_factory=list)
    _changed: Condition = field(default_factory=Condition)

    @classmethod
    def start(cls, stack: Stack, *command: str) -> Self:
        """Start a command, such as `up`, without prompts."""
        started, no_prompts = time.monotonic(), () if command[0] == "preview" else ("--yes", "--skip-preview")
        process = subprocess.Popen(
            ["pulumi", *command, *no_prompts, "--non-interactive", "--color=never"],
            cwd=stack.folder,
            env=stack.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        running = cls(process, started)
        Thread(target=running._read, args=(process.stdout,), daemon=True).start()
        return running

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(MAX_WAIT)

    def interrupt(self) -> float:
        """Press Ctrl-C, and return the time on the monotonic clock."""
        os.killpg(self.process.pid, signal.SIGINT)
        return time.monotonic()

    @property
    def text(self) -> str:
        """The output so far."""
        return "\n".join(line for _, line in self.lines)

    def await_line(self, part: str) -> str:
        """Wait for the first line that contains a text, and return it."""

        def matching_line() -> str | None:
            return next((line for _, line in self.lines if part in line), None)

        with self._changed:
            self._changed.wait_for(lambda: matching_line() or self._is_read, MAX_WAIT)
        line = matching_line()
        assert line, f"{part!r} did not appear:\n{self.text}"
        return line

    def end(self, timeout: float = MAX_WAIT) -> FinishedCommand:
        """Wait until the command ends."""
        code = self.process.wait(timeout)
        ended_at = time.monotonic()
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_read, MAX_WAIT)
        return FinishedCommand(code, self.text, ended_at)

    _is_read: bool = False

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in output:
                with self._changed:
                    self.lines.append((time.monotonic(), line.rstrip("\n")))
                    self._changed.notify_all()
        with self._changed:
            self._is_read = True
            self._changed.notify_all()


def with_data(stack: Stack, rows: int = 12) -> Stack:
    """Write training data for the stack's program. A job with fewer than 10 rows fails."""
    write_training_data(stack.folder / "data.jsonl", rows=rows)
    return stack


def freeze_jobs(service: Emulator) -> None:
    """Keep jobs from making progress."""
    service.backend.clock.per_read = 0


def finish_jobs(service: Emulator) -> None:
    """Make jobs finish at the next request for them."""
    service.backend.clock.per_read = math.inf


def wait_until(condition: Callable[[], Any], running: RunningCommand | None = None) -> None:
    """Poll until a condition is true. It fails if the running command ends before."""
    deadline = time.monotonic() + MAX_WAIT
    while not condition():
        assert running is None or running.process.poll() is None, running.text
        assert time.monotonic() < deadline, (
            "the condition did not become true" if running is None else running.text
        )
        time.sleep(0.01)


def host_pids(stack: Stack) -> list[int]:
    """Return the running processes of our host that were started for a stack."""
    return [pid for pid in stack_pids(stack) if OUR_HOST in _read(PROCESSES / str(pid) / "cmdline")]


def stack_pids(stack: Stack) -> list[int]:
    """Return the running processes that were started for a stack."""
    home = f"PULUMI_HOME={stack.environment['PULUMI_HOME']}".encode()
    return [
        int(folder.name)
        for folder in PROCESSES.glob("[0-9]*")
        if home in _read(folder / "environ").split(b"\0")
    ]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # the process has ended, or belongs to another user
        return b""


def resources(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the dynamic resources of the state by name, except resources pending deletion."""
    entries = json.loads(stack.export())["deployment"].get("resources", [])
    return {
        entry["urn"].rsplit("::", 1)[1]: entry
        for entry in entries
        if "dynamic" in entry["type"] and not entry.get("delete")
    }


def plan(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the steps of a preview by resource name, without the steps of unchanged resources."""
    steps = json.loads(stack.preview("--json").text)["steps"]
    return {step["urn"].rsplit("::", 1)[1]: step for step in steps if step["op"] != "same"}
