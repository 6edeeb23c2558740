"""Training runs with several workers of a real Ray head, compared with training runs of one process."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from tests.ray.trainers import (
    ONE_PROCESS,
    PATIENCE,
    preferences,
    require_equal,
    wait_for,
    worker_pids,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray.heads import Head
    from tests.ray.trainers import Trainers
    from tests.train.support import TrainingJob

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

STEPS_PER_EPOCH = 10


@pytest.fixture(scope="module")
def preferred(trainers: Trainers, tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    """A job with preferences, of one process."""
    job = new_job_with_preferences(trainers, tmp_path_factory.mktemp("dpo") / "job")
    assert trainers.run(job, ONE_PROCESS) == 0, job.log.read_text()[-2000:]
    return job


def new_job_with_preferences(trainers: Trainers, folder: Path) -> TrainingJob:
    return trainers.new_job(
        folder,
        method="dpo",
        rows=preferences(4 * STEPS_PER_EPOCH, "Question"),
        validation=preferences(4, "Other"),
        hyperparameters={"n_epochs": 2, "batch_size": 4, "beta": 0.1},
    )


def test_two_workers_have_the_losses_of_one_process(
    trainers: Trainers, expected: TrainingJob, tmp_path: Path
) -> None:
    job = trainers.new_job(tmp_path / "job")

    assert trainers.run(job) == 0, job.log.read_text()[-3000:]

    require_equal(job, expected)
    assert len(job.lines()) == len(expected.lines())  # only one worker writes
    assert not (job.folder / "ray").exists()


def test_run_continues_after_a_worker_was_killed(
    trainers: Trainers, expected: TrainingJob, head: Head, tmp_path: Path
) -> None:
    job = trainers.new_job(tmp_path / "job")
    driver = trainers.start(job)
    wait_for(lambda: len(job.checkpoints()) > 0, job)

    os.kill(worker_pids(head)[-1], signal.SIGKILL)

    assert driver.wait(PATIENCE) == 70
    reached = len(job.metrics())
    assert reached < len(expected.metrics())
    assert trainers.run(job) == 0, job.log.read_text()[-3000:]
    require_equal(job, expected)


def test_workers_stop_together_after_a_step(
    trainers: Trainers, expected: TrainingJob, tmp_path: Path
) -> None:
    job = trainers.new_job(tmp_path / "job")
    driver = trainers.start(job)
    wait_for(lambda: len(job.metrics()) > 3, job)  # within the second epoch

    driver.send_signal(signal.SIGTERM)

    assert driver.wait(PATIENCE) == 75, job.log.read_text()[-3000:]
    # A stop interrupts a validation at the end of an epoch, whose step then has no metrics yet.
    assert job.checkpoints()[-1] - job.metrics()[-1]["step"] in (0, 1)
    assert trainers.run(job) == 0, job.log.read_text()[-3000:]
    require_equal(job, expected)


def test_two_workers_learn_preferences_like_one_process(
    trainers: Trainers, preferred: TrainingJob, tmp_path: Path
) -> None:
    job = new_job_with_preferences(trainers, tmp_path / "job")

    assert trainers.run(job) == 0, job.log.read_text()[-3000:]

    require_equal(job, preferred)
    assert len(job.lines()) == 2 * STEPS_PER_EPOCH


@pytest.mark.long
def test_preferences_resume_within_an_epoch(
    trainers: Trainers, preferred: TrainingJob, tmp_path: Path
) -> None:
    job = new_job_with_preferences(trainers, tmp_path / "job")
    driver = trainers.start(job)
    wait_for(lambda: len(job.metrics()) > STEPS_PER_EPOCH, job)

    driver.send_signal(signal.SIGTERM)

    assert driver.wait(PATIENCE) == 75, job.log.read_text()[-3000:]
    assert STEPS_PER_EPOCH < job.checkpoints()[-1] < 2 * STEPS_PER_EPOCH
    assert trainers.run(job) == 0, job.log.read_text()[-3000:]
    require_equal(job, preferred)


def test_preferences_that_workers_cannot_share_fail(trainers: Trainers, tmp_path: Path) -> None:
    job = trainers.new_job(tmp_path / "job", rows=preferences(3, "Question"), validation=(), method="dpo")

    assert trainers.run(job) == 1

    assert job.error["code"] == "invalid_n_examples"
    assert "3 examples, which 2 workers cannot share evenly: add 1 or remove 1" in job.error["message"]
