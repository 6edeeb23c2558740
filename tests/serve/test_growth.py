"""The work of the service does not grow with jobs that have ended, nor with the length of a run. Work is counted, not timed."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from tests.serve.services import BASE, PROJECT_KEY, RunningService, rows

from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.job_folder import JobFolder
from pulumi_openai_ft.serve.live_keys import LiveKeys
from pulumi_openai_ft.serve.service import Service
from pulumi_openai_ft.server.storage import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.store import Store

STEPS = 500
LOOKUP = "/v1/fine_tuning/jobs?metadata"
TOLERANCE = 1.2
"""Searching an index of ten times as many rows takes a little longer."""


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


def test_finished_jobs_add_no_work_to_a_round(tmp_path: Path) -> None:
    work = {}
    for finished in (10, 100):
        with bench_of(tmp_path / str(finished)) as bench:
            bench.finish(finished)
            jobs = bench.run(5)
            bench.round()
            for job in jobs:
                bench.report(job, 1)
            with bench.measured() as work[finished]:
                bench.round()

    assert work[100].statements == work[10].statements > 0
    assert work[100].files == work[10].files > 0
    assert work[100].steps <= work[10].steps * TOLERANCE


@pytest.mark.parametrize(("limit", "statements"), [(1, 1), (100, 1)])
def test_list_of_running_jobs_is_one_query(tmp_path: Path, limit: int, statements: int) -> None:
    with bench_of(tmp_path / "service") as bench:
        bench.run(20)

        with bench.measured() as work:
            found = bench.client.get(f"/v1/fine_tuning/jobs?limit={limit}").json()["data"]

    assert {job["status"] for job in found} == {"running"}
    assert len(found) == min(limit, 20)
    assert work.statements == statements


def test_list_of_models_takes_a_fixed_number_of_queries(tmp_path: Path) -> None:
    statements = {}
    with bench_of(tmp_path / "service") as bench:
        for count in (1, 20):
            bench.finish(count)
            with bench.measured() as work:
                models = bench.client.get("/v1/models").json()["data"]
            statements[len(models)] = work.statements

    assert statements == {1 + 2: 4, 21 + 2: 4}


def test_lookup_by_metadata_reads_only_its_jobs(tmp_path: Path) -> None:
    work = {}
    with bench_of(tmp_path / "service") as bench:
        (sought,) = bench.submit(1, metadata={"token": "a", "team": "x"})
        for others in (10, 100):
            bench.submit(others, metadata={"token": str(others), "team": "x"})
            with bench.measured() as work[others]:
                found = bench.client.get(f"{LOOKUP}[token]=a").json()["data"]
            assert [job["id"] for job in found] == [sought]

        both = bench.client.get(f"{LOOKUP}[team]=x&metadata[token]=a").json()["data"]
        assert [job["id"] for job in both] == [sought]
        assert len(bench.client.get(f"{LOOKUP}[team]=x&limit=100").json()["data"]) == 100

    assert work[100].steps <= work[10].steps * TOLERANCE


def test_waiting_jobs_add_no_statements_to_a_round(tmp_path: Path) -> None:
    with bench_of(tmp_path / "service", slots=1) as bench:
        bench.run(1)
        jobs = bench.submit(20)
        bench.rounds_until(lambda: all(bench.runs.get(job).notices for job in jobs))
        bench.round()

        with bench.measured() as work:
            bench.round()

    assert work.statements <= 4  # two queries for open runs, one transaction


def test_round_without_reports_opens_no_file(tmp_path: Path) -> None:
    with bench_of(tmp_path / "service") as bench:
        for job in bench.run(5):
            bench.report(job, 1)
        bench.round()

        with bench.measured() as work:
            bench.round()

    assert work.files == 0
    assert work.statements <= 4


def test_page_of_events_reads_only_its_spans(tmp_path: Path) -> None:
    work = {}
    with bench_of(tmp_path / "service") as bench:
        (job,) = bench.run(1)
        for step in range(1, 301):
            bench.report(job, step)
            bench.round()
            if step in (30, 300):
                with bench.measured() as work[step]:
                    bench.client.get(f"/v1/fine_tuning/jobs/{job}/events?limit=20")

    assert work[300].statements == work[30].statements
    assert work[300].steps <= work[30].steps * TOLERANCE


def test_ended_runs_leave_nothing_in_memory(tmp_path: Path) -> None:
    with bench_of(tmp_path / "service") as bench:
        bench.finish(10)

        loop = bench.loop
        assert len(bench.engine.forgotten) == 10
        assert bench.engine.codes == {}
        kept = (loop._recorded, loop._validations, loop._unloading, loop._runner._watched, loop._unsettled)
        assert [len(found) for found in kept] == [0] * 5


def test_failed_settling_is_repeated_without_delaying_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with bench_of(tmp_path / "service") as bench:
        broken, *others = sorted(bench.submit(3))
        settle = bench.loop._settle
        failures = iter([broken])

        def settle_once_repaired(job: str) -> None:
            if job == broken and next(failures, None):
                raise sqlite3.OperationalError("disk I/O error")
            settle(job)

        bench.loop._settle = settle_once_repaired
        statuses = partial(_statuses, bench)
        bench.rounds_until(lambda: statuses()[others[0]] == "running")
        bench.rounds_until(lambda: statuses()[broken] == "running")

    assert [record.message for record in caplog.records if record.exc_info] == [
        f"{broken} could not be advanced; it is tried again."
    ]


def test_metrics_of_long_runs_take_few_bytes(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    row = {"total_steps": 10_000, "at": 5.0, "train_loss": 1.0, "train_mean_token_accuracy": 0.5}
    with (tmp_path / "metrics.jsonl").open("w") as metrics:
        for step in range(1, 10_001):
            metrics.write(json.dumps({"step": step, **row}) + "\n")

    assert folder.finished_steps() == 10_000
    assert folder.metrics([1, 10_000, 10_001]) == [{"step": 1, **row}, {"step": 10_000, **row}, None]
    kept = folder._metrics._finished
    assert kept.itemsize * len(kept) == 80_000


def test_repeated_and_cut_steps_count_once(tmp_path: Path) -> None:
    folder, path = JobFolder(tmp_path), tmp_path / "metrics.jsonl"
    assert (folder.finished_steps(), folder.metrics([1])) == (0, [None])

    path.write_text('{"step": 1, "loss": 3}\n{"step": 3, "loss": 9}\n{"step"')
    assert (folder.finished_steps(), folder.metrics([3])) == (1, [None])

    with path.open("a") as metrics:
        metrics.write(': 2, "loss": 2}\n{"cut\n{"step": 1, "loss": 1}\n')

    assert folder.finished_steps() == 3
    assert [row["loss"] for row in folder.metrics([1, 2, 3]) if row] == [1, 2, 9]


def _statuses(bench: Bench) -> dict[str, str]:
    jobs = bench.client.get("/v1/fine_tuning/jobs").json()["data"]
    return {job["id"]: job["status"] for job in jobs}
