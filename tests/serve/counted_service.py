"""The service in this process: a test performs the rounds of its training loop, writes the reports of trainers, and counts work."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from tests.serve.services import BASE, PROJECT_KEY, RunningService, rows

from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.live_keys import LiveKeys
from pulumi_openai_ft.serve.service import Service
from pulumi_openai_ft.server.storage import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pulumi_openai_ft.serve.job_folder import JobFolder
    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.store import Store

STEPS = 500
LOOKUP = "/v1/fine_tuning/jobs?metadata"


@dataclass
class IdleEngine:
    """An engine whose trainers do nothing: the tests write their reports."""

    codes: dict[Path, int | None] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)

    def start(self, folder: JobFolder, environment: Mapping[str, str]) -> None:  # noqa: ARG002
        """Start a run."""
        self.codes[folder.path] = None
        (folder.path / "process.json").write_text(json.dumps({"pid": 0, "started": 0}))

    def is_alive(self, folder: JobFolder) -> bool:
        """Return whether a run has not ended."""
        return self.codes.get(folder.path, 0) is None

    def exit_code(self, folder: JobFolder) -> int | None:
        """Return the exit code of a run."""
        return self.codes.get(folder.path)

    def stop(self, folder: JobFolder, *, kill: bool = False) -> None:  # noqa: ARG002
        """End a run."""
        self.codes[folder.path] = 75

    def forget(self, folder: JobFolder) -> None:
        """Forget a run."""
        self.codes.pop(folder.path, None)
        self.forgotten.append(folder.path.name)


class Work:
    """The work in a `with` block: steps of SQLite's virtual machine, SQL statements, and files that were opened."""

    def __init__(self) -> None:
        self.steps = 0
        self.statements = 0
        self.files = 0


class Bench:
    """A service without a listener. Its training loop advances when a test calls `round`."""

    def __init__(self, folder: Path, storage: tuple[Store, Blobs]) -> None:
        path = folder / "serve.toml"
        config = load_config(path)
        self.engine = IdleEngine()
        self.store = storage[0]
        keys = LiveKeys(path, config.keys)
        self.service = Service(config, keys, *storage, engine=self.engine, guards_host=False)
        self.loop = self.service._training
        self.runs = self.loop._runs
        self.client = TestClient(self.service.app(), headers={"Authorization": f"Bearer {PROJECT_KEY}"})
        upload = {"file": ("rows.jsonl", rows())}
        self.file = self.client.post("/v1/files", files=upload, data={"purpose": "fine-tune"}).json()["id"]

    def submit(self, count: int, **more: Any) -> list[str]:
        """Create jobs."""
        order = {"model": BASE, "training_file": self.file, "seed": 7, **more}
        return [self.client.post("/v1/fine_tuning/jobs", json=order).json()["id"] for _ in range(count)]

    def round(self) -> None:
        """Perform a round of the training loop."""
        self.loop.advance()

    def rounds_until(self, condition: Callable[[], bool]) -> None:
        """Perform rounds until a condition is true."""
        for _ in range(1000):
            if condition():
                return
            self.round()
        pytest.fail("the condition is never true")

    def run(self, count: int, **more: Any) -> list[str]:
        """Create jobs and wait until they train."""
        jobs = self.submit(count, **more)
        self.rounds_until(lambda: all(self.runs.get(job).stage == "running" for job in jobs))
        return jobs

    def report(self, job: str, step: int, total: int = STEPS) -> None:
        """Write a step as a trainer does."""
        folder = self.folder(job)
        folder._progress.write_text(json.dumps({"total_steps": total, "seconds_per_step": 1}))
        with folder._metrics.path.open("a") as metrics:
            metrics.write(json.dumps({"step": step, "total_steps": total, "at": 5.0, "train_loss": 1}) + "\n")

    def finish(self, count: int) -> None:
        """Run jobs to their end."""
        jobs = self.run(count)
        for job in jobs:
            self.report(job, 1, total=1)
            folder = self.folder(job)
            folder.model(1).mkdir(parents=True)
            result = {"status": "succeeded", "trained_tokens": 7, "steps": [1], "final": 1}
            folder._result.write_text(json.dumps(result))
            self.engine.codes[folder.path] = 0
        self.rounds_until(lambda: not self.runs.open())

    def folder(self, job: str) -> JobFolder:
        """Return the folder of a job."""
        return self.loop._runner.folder(job)

    @contextmanager
    def measured(self) -> Iterator[Work]:
        """Measure the work of a block."""
        work, connection = Work(), self.store._connection

        def count_step() -> int:
            work.steps += 1
            return 0

        connection.set_progress_handler(count_step, 1)
        connection.set_trace_callback(lambda _: setattr(work, "statements", work.statements + 1))
        with opened_files() as files:
            yield work
        work.files = len(files)
        connection.set_progress_handler(None, 1)
        connection.set_trace_callback(None)


_OPENED: list[list[str]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _OPENED and event in ("open", "os.scandir", "os.listdir"):
        for found in _OPENED:
            found.append(str(arguments[0]))


sys.addaudithook(_audit)


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """Collect the paths of the files and folders of jobs that are opened."""
    found: list[str] = []
    _OPENED.append(found)
    try:
        yield found
    finally:
        _OPENED.remove(found)
        found[:] = [path for path in found if "ftjob-" in path]


@contextmanager
def bench_of(folder: Path, slots: int = 500) -> Iterator[Bench]:
    RunningService.create(folder, slots=slots, more="queued_jobs_per_key = 1000\n")
    with reopened(folder) as bench:
        yield bench


@contextmanager
def reopened(folder: Path) -> Iterator[Bench]:
    """Open the service of a folder again. No trainer runs any more."""
    with opened(folder / "data", "data") as storage:
        yield Bench(folder, storage)
