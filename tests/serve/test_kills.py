"""Kill the service and its trainers at seeded moments: every job ends once, as if nothing had happened."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from random import Random
from threading import Thread
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.serve.services import RunningService, messages, train, wait_for
from tests.serve.stand_in_trainer import loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STEPS = range(1, 10)
STEP_SECONDS = 0.04
LATEST_MOMENT = 1.0
"""Seconds after the request that creates a job. Later, the job has ended."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    with RunningService.create(tmp_path) as running:
        running.plan(seconds=STEP_SECONDS)
        yield running


def create_job(service: RunningService) -> Thread:
    """Start to create a job. The service may be killed before it responds."""

    def create() -> None:
        with suppress(openai.APIConnectionError), service.client() as client:
            train(client)

    thread = Thread(target=create)
    thread.start()
    return thread


def kill_trainers(service: RunningService) -> int:
    """Kill all trainers, and return their number."""
    running = service.trainers()
    for trainer in running:
        with suppress(ProcessLookupError):
            os.kill(trainer, signal.SIGKILL)
    return len(running)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_losses_are_undisturbed(client: openai.OpenAI, job_id: str, seconds: float = 60) -> Any:
    """Wait until a job succeeds, and check that each step's event occurs once, with its loss. Return the job."""
    job = wait_for(client, job_id, "succeeded", seconds=seconds)
    assert [text for text in messages(client, job_id) if text.startswith("Step ")] == [
        f"Step {step}/9: training loss={loss(7, step):.2f}" for step in STEPS
    ]
    return job


def assert_trained_once(service: RunningService, job_id: str) -> None:
    """Check that a job has succeeded once, with the losses of an undisturbed run."""
    with service.client() as client:
        job = assert_losses_are_undisturbed(client, job_id)
        texts = messages(client, job_id)
        assert [text for text, times in Counter(texts).items() if times > 1] == []
        assert texts[-1] == "The job has successfully completed"
        (results,) = job.result_files
        table = base64.b64decode(client.files.content(results).content).decode().splitlines()
        assert [row.split(",")[0] for row in table[1:]] == [str(step) for step in STEPS]
        checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job_id))
        assert [found.step_number for found in checkpoints] == [9, 6, 3]


def attempts(service: RunningService, job_id: str) -> int:
    """Return the number of trainers that have begun to train a job."""
    file = service.job_folder(job_id) / "attempts"
    return len(file.read_text().split()) if file.exists() else 0


def has_attempts(service: RunningService, job_id: str, number: int) -> bool:
    return attempts(service, job_id) == number


def assert_never_two_trainers(service: RunningService) -> None:
    assert service.trainers() == []
    assert not (service.folder / "overlaps").exists(), "two trainers ran at the same time"


def moments(seed: int, count: int) -> list[float]:
    """Return moments in a job's life, in seconds."""
    chance = Random(seed)  # noqa: S311
    return [chance.uniform(0, LATEST_MOMENT) for _ in range(count)]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_jobs_survive_kills_of_the_service(service: RunningService) -> None:
    for number, moment in enumerate(moments(seed=1, count=20)):
        creation = create_job(service)
        if number % 4:
            creation.join()
        time.sleep(moment)  # each fourth time, the request that creates the job may be interrupted
        service.restart()
        creation.join()

    with service.client() as client:
        jobs = [job.id for job in client.fine_tuning.jobs.list(limit=100)]
    assert len(jobs) >= 15
    for job in jobs:
        assert_trained_once(service, job)
        assert attempts(service, job) == 1
    assert_never_two_trainers(service)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("intent", ["cancel", "pause"])
def test_intents_survive_kills_of_the_service(service: RunningService, intent: str) -> None:
    for moment in moments(seed=2, count=5):
        with service.client() as client:
            job = train(client).id
            time.sleep(moment)
            with suppress(openai.BadRequestError):  # it has ended, or it is not running yet
                getattr(client.fine_tuning.jobs, intent)(job)
        service.restart()
        with service.client() as client:
            if intent == "cancel":
                wait_for(client, job, "cancelled", "succeeded")
                continue
            if wait_for(client, job, "paused", "succeeded").status == "paused":
                client.fine_tuning.jobs.resume(job)
            assert_losses_are_undisturbed(client, job)

    wait_until(lambda: service.trainers() == [])
    assert_never_two_trainers(service)


@pytest.mark.parametrize("intent", ["cancel", "pause"])
def test_a_loading_trainer_is_stopped_after_a_kill(service: RunningService, intent: str) -> None:
    """The trainer has not taken the lock of its folder yet, so the new service cannot know that it exists."""
    service.plan(loads=5)
    with service.client() as client:
        job = train(client).id
        wait_for(client, job, "running", until=lambda _: bool(service.trainers()))
        service.kill()
        service.plan(seconds=1)
    service.start()

    with service.client() as client:
        getattr(client.fine_tuning.jobs, intent)(job)
        service.plan(seconds=STEP_SECONDS)
        second = train(client).id
        assert_trained_once(service, second)
        wait_until(lambda: service.trainers() == [])
        if intent == "pause":
            wait_for(client, job, "paused")
            client.fine_tuning.jobs.resume(job)
            assert_losses_are_undisturbed(client, job)
        else:
            assert client.fine_tuning.jobs.retrieve(job).status == "cancelled"
    assert_never_two_trainers(service)


def test_a_loading_trainer_trains_alone_after_a_kill(service: RunningService) -> None:
    service.plan(seconds=0.3, loads=1)
    with service.client() as client:
        job = train(client).id
        wait_for(client, job, "running", until=lambda _: bool(service.trainers()))
    service.restart()

    assert_trained_once(service, job)
    assert attempts(service, job) == 1
    assert_never_two_trainers(service)


def test_kills_of_service_and_trainer_together_do_not_count(service: RunningService) -> None:
    """A machine that restarts ends both."""
    service.plan(seconds=0.5)
    with service.client() as client:
        job = train(client).id
    for number in range(1, 4):
        wait_until(partial(has_attempts, service, job, number))
        service.kill()
        kill_trainers(service)
        service.start()
    service.plan(seconds=STEP_SECONDS)

    with service.client() as client:
        assert_losses_are_undisturbed(client, job)
        assert "unexpectedly" not in str(messages(client, job))
    assert_never_two_trainers(service)


def test_a_job_ends_after_its_trainer_has_exited(service: RunningService) -> None:
    """A process that has released its lock still needs memory."""
    service.plan(seconds=STEP_SECONDS, lingers=2)
    with service.client() as client:
        job = train(client).id
        wait_for(client, job, "running", until=lambda _: bool(service.trainers()))
    service.restart()

    with service.client() as client:
        wait_for(client, job, "succeeded")
    assert service.trainers() == []


@pytest.mark.long
@pytest.mark.timeout(600)
def test_jobs_survive_kills_of_their_trainers(service: RunningService) -> None:
    with service.client() as client:
        for moment in moments(seed=3, count=20):
            job = train(client).id
            time.sleep(moment)
            killed = kill_trainers(service)
            assert_trained_once(service, job)
            crashes = [text for text in messages(client, job) if "unexpectedly" in text]
            assert len(crashes) <= killed
            assert attempts(service, job) <= 1 + killed
    assert_never_two_trainers(service)
