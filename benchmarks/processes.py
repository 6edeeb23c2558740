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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.benchmark import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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


@dataclass(frozen=True)
class Serving:
    """A command that serves whoever knows what it said first.

    Attributes:
        pid: Its process.
        said: Its first line.
        seconds: Time from its start to that line.
    """

    pid: int
    said: str
    seconds: float


@contextlib.contextmanager
def serving(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Serving]:
    """Starts a command that serves until it is killed, which it is in the end, and waits for its first line.

    Raises:
        BenchmarkError: It cannot be started, or it ended without a word.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        started = time.perf_counter()
        how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        with _start(command, cwd=cwd, env=env, **how) as child:
            assert child.stdout
            try:
                said = child.stdout.readline().decode().strip()
                seconds = time.perf_counter() - started
                if not said:
                    errors.seek(0)
                    raise BenchmarkError(_failure(command, child.wait(), errors.read()))
                yield Serving(child.pid, said, seconds)
            finally:
                _kill(child)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, in steps of a hundredth of a second.

    Raises:
        BenchmarkError: This system does not tell.
    """
    fields = _told(pid, "stat").rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has held so far, or since `forget_peak`, in millions of bytes.

    Raises:
        BenchmarkError: This system does not tell.
    """
    fields = dict(line.split(":", 1) for line in _told(pid, "status").splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 / 1e6


def forget_peak(pid: int) -> None:
    """Lets the peak of a process's memory begin anew with what it holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _told(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except FileNotFoundError as error:
        raise BenchmarkError(f"{error.filename} is not there: measure on Linux") from error


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - commands of the benchmarks' own
            command, **{"stdin": subprocess.DEVNULL, "start_new_session": True, **how}
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
        _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kills a command and the processes that it started."""
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
