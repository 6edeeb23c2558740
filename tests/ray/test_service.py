"""The service with the engine `ray` and a real Ray head. The trainer is a stand-in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest
from tests.ray.services import ray_service, service_with
from tests.serve.services import messages, train, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    service.plan(seconds=5)
    expected = "The job waits in the queue of the Ray cluster for 1 CPU"
    with service.client() as client:
        jobs = [train(client).id for _ in range(3)]
        wait_for(
            client, jobs[-1], "queued", seconds=90, until=lambda _: expected in messages(client, jobs[-1])
        )
        for job in jobs:
            client.fine_tuning.jobs.cancel(job)


@pytest.mark.timeout(900)
def test_two_workers_train_a_job(head: Head, ray_python: Path, tmp_path: Path) -> None:
    with service_with(
        tmp_path,
        head,
        tiny_model(ray_python, tmp_path),
        ray_python,
        more='workers = 2\nruntime_env.env_vars.OMP_NUM_THREADS = "1"',
    ) as service:
        client = service.client()
        with pytest.raises(openai.BadRequestError, match="divide evenly: 2, 4, 6"):
            train(client, hyperparameters={"batch_size": 3})
        job = train(client, hyperparameters={"n_epochs": 1, "batch_size": 4}).id
        assert wait_for(client, job, "succeeded", seconds=600).trained_tokens > 0
        assert "Step 3/3" in str(messages(client, job))
        client.close()
    assert json.loads((service.job_folder(job) / "cluster.json").read_text())["workers"] == 2


def tiny_model(python: Path, folder: Path) -> Path:
    """Make a model with random weights."""
    program = (
        f"from pathlib import Path; from tools.base_models import tiny; print(tiny(Path({str(folder)!r})))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([python, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    return Path(done.stdout.splitlines()[-1])
