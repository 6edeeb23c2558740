"""The work of the service does not grow with jobs that have ended, nor with the length of a run. Work is counted, not timed."""

from __future__ import annotations

import json
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.serve.counted_service import LOOKUP, Bench, bench_of

from pulumi_openai_ft.serve.job_folder import JobFolder

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE = 1.2
"""Searching an index of ten times as many rows takes a little longer."""


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
        for step in range(1, 121):
            bench.report(job, step)
            bench.round()
            if step in (12, 120):
                with bench.measured() as work[step]:
                    bench.client.get(f"/v1/fine_tuning/jobs/{job}/events?limit=10")

    assert work[120].statements == work[12].statements
    assert work[120].steps <= work[12].steps * TOLERANCE


def test_last_page_of_events_reads_only_its_spans(tmp_path: Path) -> None:
    work, after = {}, ""
    with bench_of(tmp_path / "service") as bench:
        (job,) = bench.run(1)
        events = f"/v1/fine_tuning/jobs/{job}/events?limit=5"
        for step in range(1, 121):
            bench.report(job, step)
            bench.round()
            if step == 1:
                after = bench.client.get(events).json()["data"][0]["id"]
            if step in (12, 120):
                with bench.measured() as work[step]:
                    found = bench.client.get(f"{events}&after={after}").json()["data"]

    assert found[-1]["message"] == f"Created fine-tuning job: {job}"
    assert work[120].steps <= work[12].steps * TOLERANCE


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
