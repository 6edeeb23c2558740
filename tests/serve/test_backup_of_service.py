"""Backups of a service that is training, made and restored with the commands."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest
from tests.serve.services import OTHER_KEY, RunningService, messages, train, wait_for
from tests.serve.stand_in_trainer import loss

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

STEPS = [f"Step {step}/9: training loss={loss(7, step):.2f}" for step in range(1, 10)]


def restored(service: RunningService, folder: Path) -> RunningService:
    """Back up a running service, and return a second service with the restored data."""
    folder.mkdir()
    shutil.copy(service.folder / "serve.toml", folder)
    archive = str(folder / "backup.tar")
    assert main(["serve", "backup", archive, "--config", str(service.folder / "serve.toml")]) == 0
    assert main(["serve", "restore", archive, "--config", str(folder / "serve.toml")]) == 0
    return RunningService(folder)


@pytest.mark.long
@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5, 0.9, 1.5])
def test_a_restored_job_continues_its_training(tmp_path: Path, seconds: float) -> None:
    with RunningService.create(tmp_path / "first") as service, service.client() as client:
        service.plan(seconds=0.1)
        job = train(client)
        time.sleep(seconds)

        with restored(service, tmp_path / "second") as copy, copy.client() as other:
            found = wait_for(other, job.id, "succeeded")
            steps = [text for text in messages(other, job.id) if text.startswith("Step ")]
            answer = other.chat.completions.create(
                model=found.fine_tuned_model, messages=[{"role": "user", "content": "hello"}]
            )

        original = wait_for(client, job.id, "succeeded")
    assert steps == STEPS
    assert answer.choices[0].message.content == "step-9 hello"
    assert found.trained_tokens == original.trained_tokens


def test_both_services_keep_their_trainers(tmp_path: Path) -> None:
    """A restored service must neither stop nor adopt the trainer of the original one."""
    with RunningService.create(tmp_path / "first") as service, service.client() as client:
        service.plan(seconds=0.5)
        job = train(client)
        wait_for(client, job.id, "running", until=lambda _: bool(service.trainers()))

        copy = restored(service, tmp_path / "second")
        copy.plan(seconds=2)
        with copy, copy.client() as other:
            other.fine_tuning.jobs.cancel(job.id)
            assert other.fine_tuning.jobs.retrieve(job.id).status == "cancelled"

        assert wait_for(client, job.id, "succeeded").fine_tuned_model


def test_files_models_and_projects_are_restored(tmp_path: Path) -> None:
    with (
        RunningService.create(tmp_path / "first") as service,
        service.client() as client,
        service.client(OTHER_KEY) as of_other_project,
    ):
        job = wait_for(client, train(client).id, "succeeded")
        queued = train(of_other_project)
        expected = {file.id: client.files.content(file.id).read() for file in client.files.list()}

        with (
            restored(service, tmp_path / "second") as copy,
            copy.client() as found,
            copy.client(OTHER_KEY) as found_by_other,
        ):
            assert {file.id: found.files.content(file.id).read() for file in found.files.list()} == expected
            assert job.fine_tuned_model in {model.id for model in found.models.list()}
            wait_for(found_by_other, queued.id, "succeeded")
