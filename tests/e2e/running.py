"""Commands of the engine that are looked at while they run, and what a stack's state and plan say afterwards."""

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

LONGEST_WAIT = 90.0
"""Seconds after which something that was to happen has not happened."""
PROCESSES = Path("/proc")
OUR_HOST = b"pulumi_openai_ft.host"


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code.
        text: All that it said.
        at: When it ended, on the monotonic clock.
    """

    code: int
    text: str
    at: float


@dataclass
class Running:
    """A command under way. Its lines are read as they come.

    It leads a process group, as at a terminal, so that `interrupt` is what Ctrl-C is there.
    """

    process: subprocess.Popen[str]
    started: float
    lines: list[tuple[float, str]] = field(default_factory=list)
    _changed: Condition = field(default_factory=Condition)

    @classmethod
    def start(cls, stack: Stack, *command: str) -> Self:
        """Starts a command, such as `up`, which asks nothing."""
        started, unasked = time.monotonic(), () if command[0] == "preview" else ("--yes", "--skip-preview")
        process = subprocess.Popen(
            ["pulumi", *command, *unasked, "--non-interactive", "--color=never"],
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
        self.process.wait(LONGEST_WAIT)

    def interrupt(self) -> float:
        """Presses Ctrl-C; gives the time on the monotonic clock."""
        os.killpg(self.process.pid, signal.SIGINT)
        return time.monotonic()

    @property
    def text(self) -> str:
        """What it has said so far."""
        return "\n".join(line for _, line in self.lines)

    def await_line(self, part: str) -> str:
        """The first line that holds a text, once it has come."""

        def found() -> str | None:
            return next((line for _, line in self.lines if part in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or self._is_read, LONGEST_WAIT)
        line = found()
        assert line, f"{part!r} did not come:\n{self.text}"
        return line

    def end(self, longest: float = LONGEST_WAIT) -> Ended:
        """Waits for its end."""
        code = self.process.wait(longest)
        at = time.monotonic()
        with self._changed:
            assert self._changed.wait_for(lambda: self._is_read, LONGEST_WAIT)
        return Ended(code, self.text, at)

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
    """The stack, with training data for its program; a job fails that has fewer than 10 rows."""
    write_training_data(stack.folder / "data.jsonl", rows=rows)
    return stack


def hold(service: Emulator) -> None:
    """Makes jobs stand still."""
    service.backend.clock.per_read = 0


def let_finish(service: Emulator) -> None:
    """Makes jobs be done at the next look."""
    service.backend.clock.per_read = math.inf


def eventually(happened: Callable[[], Any], running: Running | None = None) -> None:
    """Waits until something shows in the service's books, which tell nobody; not longer than a command runs."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not happened():
        assert running is None or running.process.poll() is None, running.text
        assert time.monotonic() < deadline, "it did not happen" if running is None else running.text
        time.sleep(0.01)


def hosts_of(stack: Stack) -> list[int]:
    """Living processes of our host that were started for a stack."""
    home = f"PULUMI_HOME={stack.environment['PULUMI_HOME']}".encode()
    found = []
    for folder in PROCESSES.glob("[0-9]*"):
        command, environment = (_read(folder / name) for name in ("cmdline", "environ"))
        if OUR_HOST in command and home in environment.split(b"\0"):
            found.append(int(folder.name))
    return found


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it has ended, or is not ours
        return b""


def resources(stack: Stack) -> dict[str, dict[str, Any]]:
    """The dynamic resources of the state by name, without those that are only still to be deleted."""
    found = json.loads(stack.export())["deployment"].get("resources", [])
    return {
        one["urn"].rsplit("::", 1)[1]: one
        for one in found
        if "dynamic" in one["type"] and not one.get("delete")
    }


def plan(stack: Stack) -> dict[str, dict[str, Any]]:
    """The steps of a preview by resource name, without those that leave a resource alone."""
    steps = json.loads(stack.preview("--json").text)["steps"]
    return {step["urn"].rsplit("::", 1)[1]: step for step in steps if step["op"] != "same"}
