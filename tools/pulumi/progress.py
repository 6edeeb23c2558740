"""Long-running commands, with progress messages and an estimated duration."""

import os
import re
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
class Step:
    """A long-running command.

    Attributes:
        title: What the command does, for example "building the Pulumi engine".
        expected: Approximate duration in seconds.
        command: The command and its arguments.
        item: Pattern of the output lines that start an item. Its first group is the name of the item.
        unit: Word for items, for example "packages". Without it, the progress shows only the time.
        total: Approximate number of items.
    """

    title: str
    expected: float
    command: Sequence[str | Path]
    item: re.Pattern[str] = re.compile(r"(.+)")
    unit: str = ""
    total: int = 0


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

    def run(self, step: Step) -> list[str]:
        """Run a command, print its progress to standard error, and return the lines of its output.

        Raises:
            ProblemError: The command failed. The message contains the end of its output.
            KeyboardInterrupt: An interruption, raised after the command and its children have ended.
        """
        with self.log.open("ab") as output:
            written = _Written(self.log, output.tell())
            child = subprocess.Popen(
                step.command, stdout=output, stderr=output, cwd=self.cwd, env=self.env, process_group=0
            )
        try:
            _watch(child, step, written)
        finally:
            _end(child)
        if child.returncode:
            raise ProblemError(_failure(step.title, child.returncode, self.log))
        return written.lines()


@dataclass(frozen=True)
class _Written:
    """The output of one command in the log.

    Attributes:
        log: File that contains the output.
        start: Position of the output in the file, in bytes.
    """

    log: Path
    start: int

    def lines(self) -> list[str]:
        with self.log.open("rb") as log:
            log.seek(self.start)
            return log.read().decode(errors="replace").splitlines()


def _watch(child: subprocess.Popen[bytes], step: Step, written: _Written) -> None:
    started = time.monotonic()
    tick = TICK if sys.stderr.isatty() else QUIET_TICK
    while True:
        _show(_state(step, written, elapsed(started)))
        try:
            child.wait(timeout=tick)
        except subprocess.TimeoutExpired:
            continue
        break
    _show(f"{step.title}: took {elapsed(started)}", last=True)


def _state(step: Step, written: _Written, time_taken: str) -> str:
    """Return a line with the number of started items, the time, and the last started item, which is the current one."""
    time_of_all = f"{time_taken} of about {estimate(step.expected)}"
    names = [found[1] for line in written.lines() if (found := step.item.match(line))] if step.unit else []
    if not names:
        return f"{step.title}: {time_of_all}"
    return f"{step.title}: {len(names)} of about {step.total} {step.unit}, {time_of_all} ({names[-1]})"


def _show(line: str, *, last: bool = False) -> None:
    if sys.stderr.isatty():
        fitting = line[: os.get_terminal_size(sys.stderr.fileno()).columns - 1]
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
