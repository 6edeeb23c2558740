"""A service whose training runs have two workers: the driver is killed, and the job continues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.ray.services import service_with
from tests.ray.trainers import TOLERANCE
from tests.serve.services import messages, train, wait_for
from tests.serve.test_kills import kill_trainers, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray.heads import Head
    from tests.ray.trainers import Trainers
    from tests.serve.services import RunningService

pytestmark = [pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(900)]
STEPS = 12


def steps(service: RunningService, job: str) -> list[int]:
    metrics = service.job_folder(job) / "metrics.jsonl"
    lines = metrics.read_text().splitlines() if metrics.exists() else []
    return [json.loads(line)["step"] for line in lines]


def losses(service: RunningService, job: str) -> list[float]:
    lines = (service.job_folder(job) / "metrics.jsonl").read_text().splitlines()
    by_step = {row["step"]: row["train_loss"] for row in map(json.loads, lines)}
    return [by_step[step] for step in sorted(by_step)]


def test_a_job_continues_after_its_driver_was_killed(head: Head, trainers: Trainers, tmp_path: Path) -> None:
    numbers = {"n_epochs": 4, "batch_size": 4}
    with service_with(tmp_path, head, trainers.base, trainers.python, more="workers = 2") as service:
        client = service.client()
        undisturbed = train(client, hyperparameters=numbers).id
        wait_for(client, undisturbed, "succeeded", seconds=300)
        job = train(client, hyperparameters=numbers).id
        wait_until(lambda: len(steps(service, job)) > 1, 300)
        assert kill_trainers(service) >= 1
        wait_for(client, job, "succeeded", seconds=300)
        assert "Attempt 1 ended unexpectedly" in str(messages(client, job))
        client.close()
    assert len(losses(service, job)) == STEPS
    assert losses(service, job) == pytest.approx(losses(service, undisturbed), abs=TOLERANCE)
