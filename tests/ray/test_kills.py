"""Kill training runs, the head and the service: each job ends once, as if nothing had happened."""

from __future__ import annotations

import json
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.ray.services import ray_service
from tests.serve.services import messages, train, wait_for
from tests.serve.test_kills import (
    assert_losses_are_undisturbed,
    assert_never_two_trainers,
    has_attempts,
    kill_trainers,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ray.heads import Head
    from tests.serve.services import RunningService

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]
PATIENCE = 120


@pytest.fixture
def service(head: Head, tmp_path: Path) -> Iterator[RunningService]:
    with ray_service(tmp_path, head) as running:
        running.plan(seconds=0.3)
        yield running


def has_step(service: RunningService, job: str) -> bool:
    metrics = service.job_folder(job) / "metrics.jsonl"
    return metrics.exists() and len(metrics.read_text().splitlines()) >= 1


def submissions(head: Head, job: str) -> dict[str, str]:
    found = head.get("/api/jobs/").json()
    return {
        entry["submission_id"]: entry["status"]
        for entry in found
        if str(entry["submission_id"]).startswith(job)
    }


def started(service: RunningService) -> str:
    """Create a job, and return its id after its first step."""
    with service.client() as client:
        job = train(client).id
    wait_until(partial(has_step, service, job), PATIENCE)
    return job


def assert_succeeds(service: RunningService, job: str) -> list[str]:
    """Check that a job succeeds with the losses of an undisturbed run. Return its messages."""
    with service.client() as client:
        assert_losses_are_undisturbed(client, job, PATIENCE)
        assert service.trainers() == []
        return messages(client, job)


def test_a_killed_training_run_continues(service: RunningService, head: Head) -> None:
    job = started(service)
    assert kill_trainers(service) == 1
    assert "Attempt 1 ended unexpectedly" in str(assert_succeeds(service, job))
    assert submissions(head, job) == {f"{job}-1": "FAILED", f"{job}-2": "SUCCEEDED"}
    assert_never_two_trainers(service)


def test_a_killed_service_finds_its_training_run(service: RunningService, head: Head) -> None:
    job = started(service)
    service.restart()
    assert_succeeds(service, job)
    assert submissions(head, job) == {f"{job}-1": "SUCCEEDED"}
    assert_never_two_trainers(service)


def test_a_new_head_continues_the_job(service: RunningService, head: Head) -> None:
    service.plan(seconds=4)
    job = started(service)
    head.lose()
    wait_until(lambda: not service.trainers(), PATIENCE)
    head.end()
    service.plan(seconds=0.05)
    try:
        assert_waits(service, job)
    finally:
        head.start()
    assert "its head was replaced" in str(assert_succeeds(service, job))
    assert submissions(head, job) == {f"{job}-2": "SUCCEEDED"}


def assert_waits(service: RunningService, job: str) -> None:
    """Check that a job waits for an unreachable cluster, which stops nothing else."""
    with service.client() as client:
        wait_for(
            client,
            job,
            "running",
            until=lambda _: "does not respond" in str(messages(client, job)),
            seconds=PATIENCE,
        )
        other = train(client).id
        wait_for(client, other, "queued", until=lambda _: "does not respond" in str(messages(client, other)))
        assert client.fine_tuning.jobs.cancel(other).status == "cancelled"


def test_a_job_fails_after_three_attempts(service: RunningService, head: Head) -> None:
    service.plan(seconds=0.01, crash_at=[1, 1, 1])
    with service.client() as client:
        job = train(client).id
        failed = wait_for(client, job, "failed", seconds=PATIENCE)
        assert "Training ended unexpectedly 3 times" in failed.error.message
    assert submissions(head, job) == {f"{job}-{number}": "FAILED" for number in (1, 2, 3)}


def test_a_paused_run_saves_and_resumes(service: RunningService, head: Head) -> None:
    job = started(service)
    with service.client() as client:
        client.fine_tuning.jobs.pause(job)
        wait_for(client, job, "paused", seconds=PATIENCE)
        client.fine_tuning.jobs.resume(job)
    assert_succeeds(service, job)
    assert submissions(head, job) == {f"{job}-1": "STOPPED", f"{job}-2": "SUCCEEDED"}


def test_a_cancelled_job_that_waits_never_trains(service: RunningService, head: Head) -> None:
    with service.client() as client:
        jobs = [train(client).id for _ in range(3)]
        waiting = jobs[-1]
        wait_until(lambda: submissions(head, waiting) == {f"{waiting}-1": "PENDING"}, PATIENCE)
        client.fine_tuning.jobs.cancel(waiting)
        for job in jobs[:2]:
            wait_for(client, job, "succeeded", seconds=PATIENCE)
    wait_until(lambda: submissions(head, waiting) != {f"{waiting}-1": "PENDING"}, PATIENCE)
    assert has_attempts(service, waiting, 0)


@pytest.mark.long
def test_a_head_that_pauses_loses_nothing(service: RunningService, head: Head) -> None:
    """Pause it longer than the timeout of a call."""
    service.plan(seconds=5)
    job = started(service)
    head.pause()
    try:
        with service.client() as client:
            wait_for(client, job, "running", until=lambda _: "does not respond" in str(messages(client, job)))
    finally:
        head.pause(signal.SIGCONT)
    assert_succeeds(service, job)
    assert submissions(head, job) == {f"{job}-1": "SUCCEEDED"}


def test_no_secret_reaches_ray_or_the_job(service: RunningService, head: Head) -> None:
    job = started(service)
    assert_succeeds(service, job)
    shown = json.dumps([head.get(f"/api/jobs/{job}-1").json(), head.get(f"/api/jobs/{job}-1/logs").json()])
    files = [path.read_bytes() for path in service.folder.rglob("*") if path.is_file()]
    assert head.token not in shown
    assert [content for content in files if head.token.encode() in content] == []
