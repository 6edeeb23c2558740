"""The folder of a training run, as the server sees it. `trainer/job_folder.py` documents its files."""

from __future__ import annotations

import json
import os
import shutil
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

from pulumi_openai_ft.server.file_lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_START_TIME_FIELD = 22  # of /proc/PID/stat, counted from 1
_STEP = "step-"


@dataclass(frozen=True)
class TrainerProcess:
    """A process that trains. `started` is its start time in clock ticks since boot, which no later process shares."""

    pid: int
    started: int | None

    def is_running(self) -> bool:
        """Return whether the process exists and is not another process with the same id."""
        return self.started is not None and _start_time(self.pid) == self.started


class AdapterGoneError(Exception):
    """The adapter to continue from was deleted."""


class JobFolder:
    """A job folder. Only its owner can read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.training: Path = path / "training.jsonl"
        self.validation: Path = path / "validation.jsonl"
        self.adapter: Path = path / "adapter"
        self.log: Path = path / "trainer.log"
        self._request = path / "request.json"
        self._process = path / "process.json"
        self._result = path / "result.json"
        self._progress = path / "progress.json"
        self._models = path / "models"
        self._metrics = _Metrics(path / "metrics.jsonl")
        self._lock = Lock()

    def prepare(self, *, training: Path, validation: Path | None, adapter: Path | None) -> None:
        """Create the folder with hard links to its data, so that the files may be deleted while the job waits.

        Raises:
            FileNotFoundError: A file was deleted.
            AdapterGoneError: The adapter was deleted.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(mode=0o700, parents=True)
        os.link(training, self.training)
        if validation is not None:
            os.link(validation, self.validation)
        if adapter is not None:
            try:
                shutil.copytree(adapter, self.adapter, copy_function=os.link)
            except (FileNotFoundError, shutil.Error) as error:
                raise AdapterGoneError from error

    def exists(self) -> bool:
        """Return whether the folder exists. An operator may have deleted it."""
        return self.path.is_dir()

    def write_request(self, request: Mapping[str, Any]) -> None:
        """Write the request of an attempt, and remove all that an earlier attempt wrote about its process."""
        self._result.unlink(missing_ok=True)
        self._process.unlink(missing_ok=True)
        partial = self._request.with_suffix(".part")
        partial.write_text(json.dumps(request), "utf-8")
        partial.replace(self._request)

    def withdraw_request(self) -> None:
        """Remove the request, so that a trainer that still loads ends without training."""
        self._request.unlink(missing_ok=True)

    @contextmanager
    def without_trainer(self) -> Iterator[bool]:
        """Keep trainers from starting, and return whether none runs. One that starts in this time ends.

        An earlier process of the server may have started a trainer that has not taken the lock yet.
        """
        with (self.path / "lock").open("a") as lock:
            yield try_lock(lock)

    def has_begun(self, attempt: int) -> bool:
        """Return whether a process began this attempt."""
        return (_read(self._request) or {}).get("attempt") == attempt and self._process.exists()

    def is_locked(self) -> bool:
        """Return whether a trainer runs. Do not call this while a trainer starts, because it takes the same lock."""
        try:
            with self.without_trainer() as has_none:
                return not has_none
        except FileNotFoundError:
            return False  # the folder was deleted

    def process(self) -> TrainerProcess | None:
        """Return the trainer that began the latest attempt, if any."""
        found = _read(self._process)
        return None if found is None else TrainerProcess(found["pid"], found["started"])

    def progress(self) -> dict[str, Any]:
        """Return the trainer's progress, which is empty at first."""
        return _read(self._progress) or {}

    def result(self) -> dict[str, Any] | None:
        """Return the result of the latest attempt, or None if it has none."""
        return _read(self._result)

    def finished_steps(self) -> int:
        """Return the number of finished steps with metrics, from the first one on, without gaps."""
        with self._lock:
            return self._metrics.update()

    def metrics(self, steps: Iterable[int]) -> list[dict[str, float] | None]:
        """Return the metrics of steps, with None for each step that is not finished."""
        with self._lock:
            self._metrics.update()
            return self._metrics.read(steps)

    def version(self) -> tuple[object, ...]:
        """Return a value that changes when a trainer reports something. Two reports in the same moment may share it."""
        return tuple(map(_file_version, (self._progress, self._metrics.path, self._models, self._result)))

    def last_line_of_log(self) -> str:
        """Return the last line of the trainer's output."""
        try:
            lines = self.log.read_text("utf-8", "replace").split("\n")
        except FileNotFoundError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def model(self, step: int) -> Path:
        """Return the path of the adapter that was published after a step."""
        return self._models / f"{_STEP}{step}"

    def model_steps(self) -> dict[int, float]:
        """Return the steps with a published adapter, and when each was made, in Unix seconds."""
        found = self._models.glob(f"{_STEP}*")
        return {int(path.name.removeprefix(_STEP)): path.stat().st_mtime for path in found}

    def remove_model(self, step: int) -> None:
        """Delete the adapter of a step, if it exists."""
        shutil.rmtree(self.model(step), ignore_errors=True)

    def remove_training_state(self) -> None:
        """Delete all that only a continued run needs."""
        shutil.rmtree(self.path / "checkpoints", ignore_errors=True)
        shutil.rmtree(self.adapter, ignore_errors=True)


class _Metrics:
    """The metrics in a file, of which only new lines are parsed. After a crash, steps occur again: the last line is valid.

    It remembers only the position of each step's line, because a service watches many runs of many steps.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = 0
        self._later: dict[int, int] = {}
        self._finished = array("Q")

    def update(self) -> int:
        """Find the lines that are new. Return the number of finished steps."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._end)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._add(line, self._end)
                    self._end += len(line)
        except FileNotFoundError:
            return 0
        return len(self._finished)

    def read(self, steps: Iterable[int]) -> list[dict[str, Any] | None]:
        try:
            with self.path.open("rb") as file:
                return [self._row(file, step) for step in steps]
        except FileNotFoundError:
            return [None for _ in steps]

    def _row(self, file: BinaryIO, step: int) -> dict[str, Any] | None:
        if not 1 <= step <= len(self._finished):
            return None
        file.seek(self._finished[step - 1])
        return _parse_line(file.readline())

    def _add(self, line: bytes, position: int) -> None:
        row = _parse_line(line)
        if row is None:
            return
        if row["step"] <= len(self._finished):
            self._finished[row["step"] - 1] = position
        else:
            self._later[row["step"]] = position
        while (step := len(self._finished) + 1) in self._later:
            self._finished.append(self._later.pop(step))


def _file_version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _parse_line(line: bytes) -> dict[str, Any] | None:
    return _parse(line.decode("utf-8", "replace"))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return _parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return None


def _parse(text: str) -> dict[str, Any] | None:
    """Return a JSON object, or None if a crash has cut its text."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _start_time(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123  # a file of the kernel
            after_name = stat.read().rpartition(")")[2].split()  # begins with field 3
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if after_name[0] == "Z" else int(after_name[_START_TIME_FIELD - 3])
