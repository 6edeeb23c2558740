"""Starts commands, times them, and leaves none behind."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.benchmark import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE = 15.0
TAIL = 15


@dataclass(frozen=True)
class Ran:
    """A command that ended well.

    Attributes:
        text: What it wrote.
        seconds: Time from its start to its end.
        cpu_seconds: Processor time of its own and of the children that it waited for.
    """

    text: str
    seconds: float
    cpu_seconds: float


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
) -> Ran:
    """Runs a command to its end, in a session of its own, out of reach of the terminal's Ctrl-C.

    When this process is interrupted, the command is asked to end by SIGINT and has `patience` seconds for it.
    Whatever is left of its session then is killed, as it is after a failure.

    Raises:
        BenchmarkError: It cannot be started, or it failed.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        started, cpu_before = time.perf_counter(), _cpu_seconds()
        child = _start(command, stdout=output, stderr=subprocess.STDOUT, cwd=cwd, env=env)
        try:
            child.wait()
            seconds = time.perf_counter() - started
        finally:
            _end(child, patience)
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise BenchmarkError(_failure(command, child.returncode, text))
    return Ran(text, seconds, _cpu_seconds() - cpu_before)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - commands of the benchmarks' own
            command, stdin=subprocess.DEVNULL, start_new_session=True, **how
        )
    except FileNotFoundError as error:
        raise BenchmarkError(f"{command[0]} is not on PATH: run `make bench`, which puts it there") from error


def _end(child: subprocess.Popen[bytes], patience: float) -> None:
    """Ends the command where it still runs, and the processes that it left."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
    if child.returncode != 0:
        for pid in _session(child.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.wait()


def _session(leader: int) -> list[int]:
    """Ids of the processes of a session. The engine's plugins have process groups of their own."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", "sess="],  # noqa: S607 - of the system
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return [int(pid) for pid, session in map(str.split, listed.splitlines()) if session == str(leader)]


def _failure(command: Sequence[str], code: int, text: str) -> str:
    tail = "\n".join(f"    {line}" for line in text.strip().splitlines()[-TAIL:])
    return f"`{' '.join(command)}` ended with {code}. The end of its output:\n{tail}"
