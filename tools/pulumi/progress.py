"""Long-running commands, with progress messages and an estimated duration."""

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
    """The environment of commands.

    Attributes:
        log: File to which their output is appended.
        cwd: Folder in which they run.
        env: Environment variables.
    """

    log: Path
    cwd: Path
    env: Mapping[str, str]

    def run(self, title: str, expected: float, command: Sequence[str | Path]) -> None:
        """Run a command, and print its title, expected and elapsed time to standard error.

        Raises:
            ProblemError: The command failed. The message contains the end of its output.
            KeyboardInterrupt: An interruption, raised after the command and its children have ended.
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
    """Format an approximate duration."""
    return f"{seconds:.0f} s" if seconds < TWO_MINUTES else f"{seconds / 60:.0f} minutes"


def elapsed(since: float) -> str:
    """Format the time since a reading of the monotonic clock."""
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the process group of a running command, which includes its children."""
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
        f"{title} failed with exit code {code}. The last lines of its output:\n{tail}\nComplete output: {log}\n"
        "After a network problem or a full disk, run the same command again; it continues where it stopped."
    )
