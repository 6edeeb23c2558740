"""The service with the engine `ray` and a real Ray head. The trainer is a stand-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.ray.services import ray_service
from tests.serve.services import messages, train, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ray.heads import Head
    from tests.serve.services import RunningService

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]


@pytest.fixture
def service(head: Head, tmp_path: Path) -> Iterator[RunningService]:
    with ray_service(tmp_path, head) as running:
        yield running


def test_a_job_trains_on_the_cluster(service: RunningService, head: Head) -> None:
    with service.client() as client:
        job = train(client).id
        assert wait_for(client, job, "succeeded", seconds=120).fine_tuned_model
        assert "Step 9/9" in str(messages(client, job))
    (submission,) = [found for found in head.get("/api/jobs/").json() if found["submission_id"] == f"{job}-1"]
    assert (submission["status"], submission["metadata"]) == ("SUCCEEDED", {"job": job})
    assert head.token not in json.dumps(submission)


def test_a_job_that_waits_names_the_resource(service: RunningService) -> None:
    service.plan(seconds=0.5)
    with service.client() as client:
        jobs = [train(client).id for _ in range(3)]
        last = wait_for(
            client, jobs[-1], "queued", seconds=90, until=lambda _: "waits" in str(messages(client, jobs[-1]))
        )
        assert last.status == "queued"
        assert "The job waits in the queue of the Ray cluster for 1 CPU" in messages(client, jobs[-1])
        for job in jobs:
            wait_for(client, job, "succeeded", seconds=120)
