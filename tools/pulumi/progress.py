"""Runs one long command after another while the user sees what happens, and for how long it will."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from problem import ProblemError

TICK = 1.0
QUIET_TICK = 15.0
PATIENCE = 10.0
TAIL = 20
TWO_MINUTES = 120


@dataclass(frozen=True)
class Workplace:
    """Where commands run and where their output goes."""

    log: Path
    cwd: Path
    env: Mapping[str, str]

    def run(self, title: str, expected: float, command: Sequence[str | Path]) -> None:
        """Run command to its end and tell stderr title, expected and elapsed seconds.

        Raises:
            ProblemError: it failed; the message holds the end of its output.
            KeyboardInterrupt: as it came, once the command and its children are gone.
        """
        with self.log.open("ab") as output:
            child = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=self.cwd, env=self.env, process_group=0
            )
        try:
            _watch(child, title, expected)
        finally:
            _end(child)
        if child.returncode:
            raise ProblemError(_failure(title, child.returncode, self.log))


def _watch(child: subprocess.Popen[bytes], title: str, expected: float) -> None:
    started = time.monotonic()
    tick = TICK if sys.stderr.isatty() else QUIET_TICK
    while True:
        _show(f"{title}: about {estimate(expected)}; {elapsed(started)} so far")
        try:
            child.wait(timeout=tick)
        except subprocess.TimeoutExpired:
            continue
        break
    _show(f"{title}: took {elapsed(started)}", last=True)


def _show(line: str, *, last: bool = False) -> None:
    if sys.stderr.isatty():
        fitting = line[: shutil.get_terminal_size().columns - 1]
        print(f"\r\x1b[K{fitting}", end="\n" if last else "", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def estimate(seconds: float) -> str:
    """Write a time that nobody knows exactly."""
    return f"{seconds:.0f} s" if seconds < TWO_MINUTES else f"{seconds / 60:.0f} minutes"


def elapsed(since: float) -> str:
    """Write the time since a reading of the monotonic clock."""
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the whole process group where the command still runs: it has children of its own."""
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGINT)
    try:
        child.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _failure(title: str, code: int, log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-TAIL:]
    tail = "\n".join(f"    {line}" for line in lines)
    return (
        f"{title} failed with exit code {code}. The last lines of its output:\n{tail}\nAll of it: {log}\n"
        "If it was the network or a full disk, run the same command again: it goes on where it stopped."
    )
