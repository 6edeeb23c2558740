"""Commands that are timed, and that leave no processes."""

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
"""Seconds that an interrupted command has to end."""
TAIL = 15


@dataclass(frozen=True)
class Finished:
    """The result of a successful command.

    Attributes:
        text: Output of the command.
        seconds: Duration of the command.
        cpu_seconds: CPU time of the command and of the child processes that it waited for.
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
) -> Finished:
    """Run a command in a new session, so that the terminal's Ctrl-C does not reach it.

    When this process is interrupted, the command receives SIGINT and has `patience` seconds to end.
    After that, and after a failure, the remaining processes of its session are killed.

    Raises:
        BenchmarkError: The command cannot be started, or it failed.
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
    return Finished(text, seconds, _cpu_seconds() - cpu_before)


@dataclass(frozen=True)
class Serving:
    """A running server that has printed its address.

    Attributes:
        pid: Process ID.
        first_line: First line of its output.
        seconds: Time from its start to that line.
    """

    pid: int
    first_line: str
    seconds: float


@contextlib.contextmanager
def serving(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Serving]:
    """Start a server, wait for its first line of output, and kill the server on exit.

    Raises:
        BenchmarkError: The server cannot be started, or it ended without output.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        started = time.perf_counter()
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        with _start(command, cwd=cwd, env=env, **options) as child:
            assert child.stdout
            try:
                first_line = child.stdout.readline().decode().strip()
                seconds = time.perf_counter() - started
                if not first_line:
                    errors.seek(0)
                    raise BenchmarkError(_failure(command, child.wait(), errors.read()))
                yield Serving(child.pid, first_line, seconds)
            finally:
                _kill(child)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, in steps of a hundredth of a second.

    Raises:
        BenchmarkError: This is not Linux.
    """
    fields = _read_proc(pid, "stat").rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(pid: int) -> float:
    """Return the peak memory of a process since its start or since `forget_peak`, in megabytes.

    Raises:
        BenchmarkError: This is not Linux.
    """
    fields = dict(line.split(":", 1) for line in _read_proc(pid, "status").splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 / 1e6


def forget_peak(pid: int) -> None:
    """Reset the peak memory of a process to its current memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _read_proc(pid: int, file: str) -> str:
    try:
        return Path(f"/proc/{pid}/{file}").read_text()
    except FileNotFoundError as error:
        raise BenchmarkError(f"{error.filename} does not exist: benchmarks require Linux") from error


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the commands are defined by the benchmarks
            command, **{"stdin": subprocess.DEVNULL, "start_new_session": True, **options}
        )
    except FileNotFoundError as error:
        raise BenchmarkError(f"{command[0]} is not on PATH; run `make bench`, which adds it") from error


def _end(child: subprocess.Popen[bytes], patience: float) -> None:
    """End the command if it is still running, and the remaining processes of its session after a failure."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience)
    if child.returncode != 0:
        _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a command and the processes that it started."""
    for pid in _session(child.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    child.wait()


def _session(leader: int) -> list[int]:
    """Return the process IDs of a session. Process groups are not enough: the engine's plugins have separate groups."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", "sess="],  # noqa: S607 - a system command
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return [int(pid) for pid, session in map(str.split, listed.splitlines()) if session == str(leader)]


def _failure(command: Sequence[str], code: int, text: str) -> str:
    tail = "\n".join(f"    {line}" for line in text.strip().splitlines()[-TAIL:])
    return f"`{' '.join(command)}` ended with {code}. The end of its output:\n{tail}"
