"""The service after the clock of its machine was set back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from tests.serve.counted_service import Bench, bench_of
from tests.serve.services import BASE

from pulumi_openai_ft.server.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOUR = 3600


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Return a service with a single slot."""
    with bench_of(tmp_path / "service", slots=1) as bench:
        yield bench


@pytest.fixture
def set_back(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that sets the clock back by an hour."""
    return lambda: monkeypatch.setattr(SystemClock, "now", lambda _: time.time() - HOUR)


def test_lists_contain_objects_from_before(bench: Bench, set_back: Callable[[], None]) -> None:
    """A client that misses its own job in the list would create it again."""
    bench.finish(1)
    (job,) = bench.submit(1, metadata={"token": "a"})
    finished = bench.client.get("/v1/fine_tuning/jobs?limit=1&after=" + job).json()["data"][0]["id"]
    lists = [
        "files",
        "models",
        "fine_tuning/jobs",
        "fine_tuning/jobs?metadata[token]=a",
        f"fine_tuning/jobs/{finished}/events",
        f"fine_tuning/jobs/{finished}/checkpoints",
    ]
    before = [bench.client.get(f"/v1/{path}").json()["data"] for path in lists]

    set_back()

    assert all(before)
    assert [bench.client.get(f"/v1/{path}").json()["data"] for path in lists] == before


def test_a_file_stays_processed(bench: Bench, set_back: Callable[[], None]) -> None:
    set_back()

    assert bench.client.get(f"/v1/files/{bench.file}").json()["status"] == "processed"
    order = {"model": BASE, "training_file": bench.file}
    assert bench.client.post("/v1/fine_tuning/jobs", json=order).status_code == 200


def test_a_waiting_job_says_so_once(bench: Bench, set_back: Callable[[], None]) -> None:
    _, waiting = bench.submit(2)
    set_back()
    bench.rounds_until(lambda: bool(bench.runs.get(waiting).notices))
    for _ in range(5):
        bench.round()

    messages = [text for _, text, _ in bench.runs.get(waiting).notices]
    assert messages == ["The job waits in the queue: another job trains"]


def test_a_trainer_that_ignores_stops_is_killed(
    bench: Bench, set_back: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = []
    monkeypatch.setattr(bench.engine, "stop", lambda _, kill=False: kills.append(kill))
    (job,) = bench.run(1)
    bench.client.post(f"/v1/fine_tuning/jobs/{job}/cancel")
    bench.round()
    set_back()
    bench.round()
    monkeypatch.setattr("pulumi_openai_ft.serve.training_loop.SECONDS_TO_STOP", 0)
    bench.round()

    assert kills == [False, False, True]
