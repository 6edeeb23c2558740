"""The files through which the server and the trainer communicate.

| file | content |
| --- | --- |
| request.json | what to train, from the server |
| cluster.json | workers of a training run on a Ray cluster, from the server |
| submission | id of the only Ray submission that may train, from the server |
| training.jsonl, validation.jsonl | the rows, from the server |
| lock | locked while a trainer, or the driver of its workers, runs |
| workers.lock | name of the driver; locked while its workers run |
| process.json | pid and start time of the trainer |
| progress.json | state, number of steps and tokens, time per step, warnings |
| metrics.jsonl | a line per step; if a step occurs again, its last line is valid |
| checkpoints/checkpoint-N | everything to resume from step N; complete if trainer_state.json is readable |
| models/step-N | adapter of an epoch; complete if it exists |
| stop | exists if workers on a Ray cluster must stop, from their driver |
| result.json | how the run ended; written last |
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pulumi_openai_ft.trainer.file_lock import try_lock
from pulumi_openai_ft.trainer.worker_lock import WorkerLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft.trainer.errors import TrainingError

TRAINER_STATE = "trainer_state.json"
CHECKPOINT = "checkpoint-"
MODEL = "step-"
RESERVED_BYTES = 64 * 1024
START_TIME_FIELD = 22  # of /proc/PID/stat, counted from 1


class LockedError(Exception):
    """Another trainer runs in this job folder."""


class JobFolder:
    """A job folder. Relative paths are resolved, so that it stays the same if the working directory changes."""

    def __init__(self, path: Path) -> None:
        self.path: Path = path.resolve()
        self.request: Path = self.path / "request.json"
        self.training: Path = self.path / "training.jsonl"
        self.validation: Path = self.path / "validation.jsonl"
        self.checkpoints: Path = self.path / "checkpoints"
        self.models: Path = self.path / "models"
        self.workers: WorkerLock = WorkerLock(self.path)
        self._result = self.path / "result.json"
        self._metrics = self.path / "metrics.jsonl"
        self._reserve = self.path / "reserve"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock, which the operating system releases even if the process is killed.

        Raises:
            LockedError: Another trainer holds it.
            AttemptError: The file system has no locks.
        """
        with (self.path / "lock").open("w") as lock:
            if not try_lock(lock, self.path):
                raise LockedError
            yield

    def begin(self) -> None:
        """Remove the result of an earlier attempt, and record this process."""
        self._result.unlink(missing_ok=True)
        self._reserve.write_bytes(bytes(RESERVED_BYTES))
        self._replace("process.json", {"pid": os.getpid(), "started": _start_time(os.getpid())})

    def write_progress(self, progress: Mapping[str, Any]) -> None:
        """Replace the progress."""
        self._replace("progress.json", progress)

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Append the metrics of a step."""
        with self._metrics.open("a+", encoding="utf-8") as file:
            _end_line(file)
            file.write(json.dumps(row) + "\n")

    def succeed(self, *, trained_tokens: int, steps: list[int]) -> None:
        """Write the result of a succeeded run. The final model is the last of `steps`."""
        self._finish(
            {"status": "succeeded", "trained_tokens": trained_tokens, "steps": steps, "final": steps[-1]}
        )

    def fail(self, error: TrainingError) -> None:
        """Write the result of a failed run."""
        shown = {"code": error.code, "message": error.message, "param": error.param}
        self._finish({"status": "failed", "error": shown})

    def recorded_steps(self) -> set[int]:
        """Return the steps with metrics. Skip a line that a crash has cut."""
        if not self._metrics.exists():
            return set()
        rows = (_read_json(line) for line in self._metrics.read_text("utf-8").splitlines())
        return {row["step"] for row in rows if row is not None}

    def last_checkpoint(self) -> Path | None:
        """Return the last complete checkpoint, if there is one. Remove incomplete ones, which would count as checkpoints."""
        complete = []
        for checkpoint in _numbered(self.checkpoints, CHECKPOINT):
            if _is_complete(checkpoint):
                complete.append(checkpoint)
            else:
                shutil.rmtree(checkpoint)
        return complete[-1] if complete else None

    def published_steps(self) -> list[int]:
        """Return the steps with a published model, in order."""
        return [_number(model) for model in _numbered(self.models, MODEL)]

    @contextmanager
    def new_model(self, step: int, *, keep: int) -> Iterator[Path]:
        """Return a folder for the model of a step, which is published at the end. Remove all but the last models."""
        partial = self.models / f".{MODEL}{step}.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        partial.rename(self.models / f"{MODEL}{step}")
        for old in _numbered(self.models, MODEL)[:-keep]:
            self._remove_model(old)

    def size(self) -> int:
        """Return the bytes that checkpoints and models occupy."""
        files = (file for folder in (self.checkpoints, self.models) for file in folder.rglob("*"))
        return sum(file.stat().st_size for file in files if file.is_file())

    def _remove_model(self, model: Path) -> None:
        hidden = model.with_name(f".{model.name}.old")
        model.rename(hidden)
        shutil.rmtree(hidden)

    def _finish(self, result: Mapping[str, Any]) -> None:
        self._reserve.unlink(missing_ok=True)  # makes room for the result on a full disk
        self._replace("result.json", result)

    def _replace(self, name: str, content: Mapping[str, Any]) -> None:
        partial = self.path / f".{name}.part"
        partial.write_text(json.dumps(content), "utf-8")
        partial.replace(self.path / name)


def _end_line(file: IO[str]) -> None:
    """Separate a line that a crash has cut from the next one."""
    size = file.tell()
    if size:
        file.seek(size - 1)
        if file.read(1) != "\n":
            file.write("\n")


def _numbered(folder: Path, prefix: str) -> list[Path]:
    found = (path for path in folder.glob(f"{prefix}*") if path.name.removeprefix(prefix).isdecimal())
    return sorted(found, key=_number)


def _number(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def _is_complete(checkpoint: Path) -> bool:
    state = checkpoint / TRAINER_STATE
    return state.exists() and _read_json(state.read_text("utf-8")) is not None


def _read_json(text: str) -> dict[str, Any] | None:
    try:
        read: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return read


def _start_time(pid: int) -> int | None:
    """Return a process's start time in clock ticks since boot, or None where /proc does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except FileNotFoundError:
        return None
    after_name = stat.rpartition(")")[2].split()  # begins with field 3
    return int(after_name[START_TIME_FIELD - 3])
