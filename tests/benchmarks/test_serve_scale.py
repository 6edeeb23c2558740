"""A small simulation of the service with stand-in trainers: the real server, HTTP and store."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from benchmarks.serve_scale.limit import load_table, loads
from benchmarks.serve_scale.plan import SimulationPlan
from benchmarks.serve_scale.report import failures, table, wrong_jobs
from benchmarks.serve_scale.simulation import Outcome, simulate

if TYPE_CHECKING:
    from pathlib import Path

PLAN = SimulationPlan(
    slots=20,
    run_seconds=1,
    jobs=60,
    submission_seconds=1.5,
    clients=5,
    poll_seconds=0.5,
    steps=6,
    tick=0.1,
)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return simulate(tmp_path_factory.mktemp("simulation"), PLAN)


def test_no_job_is_lost_or_runs_twice(outcome: Outcome) -> None:
    assert wrong_jobs(PLAN, outcome) == []
    assert len(outcome.waits) == PLAN.jobs
    assert outcome.latencies.failures == []


def test_memory_threads_and_files_stay_bounded(outcome: Outcome) -> None:
    assert outcome.usage.memory_growth < 50e6
    assert max(outcome.usage.threads) < 60
    assert max(outcome.usage.files) < 100


def test_statements_of_a_round_are_bounded_by_its_runs(outcome: Outcome) -> None:
    most = max(found["statements"] for found in outcome.measured["rounds"])

    assert PLAN.slots < most < 30 * PLAN.slots + 10 * PLAN.jobs


def test_table_names_every_figure_and_missed_targets(outcome: Outcome) -> None:
    shown = table(PLAN, outcome)
    wrong = replace(
        outcome,
        statuses=Counter({"succeeded": PLAN.jobs - 1}),
        attempts=Counter({1: PLAN.jobs - 2, 2: 1, 0: 1}),
    )

    assert f"{PLAN.jobs} succeeded" in shown
    assert f"1 for {PLAN.jobs} jobs" in shown
    assert "in SQLite" in shown
    assert failures(PLAN, wrong)[-2:] == [
        "60 jobs were submitted, found: {'succeeded': 59}",
        "jobs by number of training runs: {1: 58, 2: 1, 0: 1}",
    ]


@pytest.mark.long
def test_limit_adds_clients_until_lists_are_slow(tmp_path: Path) -> None:
    with closing(loads(tmp_path, PLAN)) as steps:
        found = next(steps)

    assert found.requests_per_second > 0
    assert "25 clients" in load_table(found)
