from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

from tests.train.fake_wandb import FakeWandb
from tests.train.support import MARKS, TrainingJob

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = MARKS

KEY = "0123456789abcdef0123456789abcdef01234567"
INTEGRATION = {"project": "support-bot", "entity": "team", "name": "first", "tags": ["tiny", "tests"]}
SHORT: dict[str, Any] = {"wandb": INTEGRATION, "hyperparameters": {"n_epochs": 1}}


def test_metrics_reach_the_service(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(**SHORT)

    with FakeWandb(KEY) as service:
        assert job.run("with wandb", WANDB_API_KEY=KEY, WANDB_BASE_URL=service.url) == 0, job.log.read_text()

    run = service.runs["ftjob-test"]
    assert (run["project"], run["entity"], run["displayName"]) == ("support-bot", "team", "first")
    assert run["tags"] == ["tiny", "tests"]
    config = json.loads(run["config"])
    assert config["n_epochs"]["value"] == 1
    shown = {line["_step"]: line["train_loss"] for line in service.history if "train_loss" in line}
    assert shown == {line["step"]: line["train_loss"] for line in job.metrics()}
    assert job.read("progress.json")["warnings"] == []
    sent = b"".join(service.bodies)
    assert str(job.folder).encode() not in sent
    assert socket.gethostname().encode() not in sent
    files = [path for path in job.folder.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_an_unreachable_service_is_a_warning(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(**SHORT)

    with FakeWandb("another key") as service:
        assert job.run(WANDB_API_KEY=KEY, WANDB_BASE_URL=service.url) == 0, job.log.read_text()

    assert service.refused
    assert job.read("progress.json")["warnings"] == [
        "Weights & Biases cannot be reached; the job trains without it."
    ]
    assert len(job.metrics()) == 3


def test_a_service_that_disappears_does_not_hold_the_job(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(wandb=INTEGRATION, hyperparameters={"n_epochs": 10})

    with FakeWandb(KEY) as service:
        process = job.start(WANDB_API_KEY=KEY, WANDB_BASE_URL=service.url)
        job.wait_for(lambda: bool(job.lines()))
    job.wait_for(lambda: len(job.lines()) == 30)
    trained = time.monotonic()
    assert process.wait() == 0, job.log.read_text()

    assert time.monotonic() - trained < 60
    assert job.result["status"] == "succeeded"


def test_a_missing_key_fails_the_job(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(**SHORT)

    assert job.run() == 1

    assert job.error == {
        "code": "wandb_not_available",
        "message": "The service has no key for Weights & Biases: its administrator must set WANDB_API_KEY for this "
        "project.",
        "param": "integrations",
    }


def test_runs_can_be_recorded_offline(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job(**SHORT)

    assert job.run(WANDB_MODE="offline") == 0, job.log.read_text()

    assert list(job.folder.glob("wandb/offline-run-*/*.wandb"))
