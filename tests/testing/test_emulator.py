"""The fixture of the emulator: stored objects, requests, options and settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import openai
import pytest
from tests.support import write_training_data

from pulumi_openai_ft._settings import SOURCES, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft.testing import EmulatorFixture


@pytest.fixture
def client(openai_ft_emulator: EmulatorFixture) -> Iterator[openai.OpenAI]:
    """The official client, with nothing but the environment of the test."""
    assert openai_ft_emulator.base_url == os.environ["OPENAI_BASE_URL"]
    with openai.OpenAI(max_retries=0) as client:
        yield client


@pytest.fixture
def job_id(client: openai.OpenAI, tmp_path: Path) -> str:
    file = client.files.create(file=write_training_data(tmp_path / "data.jsonl"), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id, suffix="shop")
    return client.fine_tuning.jobs.retrieve(job.id).id


def test_stored_objects_have_types(
    openai_ft_emulator: EmulatorFixture, client: openai.OpenAI, job_id: str
) -> None:
    (job,) = openai_ft_emulator.jobs()
    (file,) = openai_ft_emulator.files(purpose="fine-tune")
    (model,) = openai_ft_emulator.models()
    checkpoint = str(job.fine_tuned_model)
    admin = client.with_options(api_key=os.environ["OPENAI_ADMIN_KEY"])
    admin.fine_tuning.checkpoints.permissions.create(checkpoint, project_ids=["proj_b"])
    (permission,) = openai_ft_emulator.permissions()

    assert (job.id, job.status, job.user_provided_suffix) == (job_id, "succeeded", "shop")
    assert (job.training_file, job.project) == (file.id, file.project)
    assert (model.id, model.job) == (job.fine_tuned_model, job.id)
    assert (permission.project_id, permission.checkpoint) == ("proj_b", checkpoint)
    assert {stored.purpose for stored in openai_ft_emulator.files()} == {"fine-tune", "fine-tune-results"}


@pytest.mark.usefixtures("job_id")
def test_requests_are_recorded_without_keys(openai_ft_emulator: EmulatorFixture) -> None:
    (created,) = openai_ft_emulator.requests("POST", "/v1/fine_tuning/jobs")

    assert (created.status, created.body["suffix"]) == (200, "shop")
    assert [f"{request.method} {request.path}" for request in openai_ft_emulator.requests()][:2] == [
        "POST /v1/files",
        "POST /v1/fine_tuning/jobs",
    ]
    assert os.environ["OPENAI_API_KEY"] not in repr(openai_ft_emulator.requests())


def test_a_fault_affects_the_next_request(openai_ft_emulator: EmulatorFixture, client: openai.OpenAI) -> None:
    openai_ft_emulator.fault("GET", "/files", "status", status=500)

    with pytest.raises(openai.InternalServerError):
        client.files.list()
    assert client.files.list().data == []


@pytest.mark.openai_ft_emulator(speed=1, job_seconds=600)
def test_the_clock_can_be_advanced(openai_ft_emulator: EmulatorFixture, job_id: str) -> None:
    before = openai_ft_emulator.jobs()[0]
    openai_ft_emulator.advance(601)

    assert before.id == job_id
    assert (before.status, openai_ft_emulator.jobs()[0].status) != ("succeeded", "succeeded")
    assert openai_ft_emulator.jobs()[0].status == "succeeded"


class TestMarks:
    pytestmark = pytest.mark.openai_ft_emulator(mode="azure", closed=True)

    @pytest.mark.openai_ft_emulator(mode="nebius")
    def test_the_nearest_mark_wins(self, openai_ft_emulator: EmulatorFixture) -> None:
        settings = openai_ft_emulator.emulator.settings

        assert (settings.mode, settings.closed) == ("nebius", True)


class TestTheEnvironment:
    @pytest.fixture(autouse=True)
    def _of_a_real_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for source in SOURCES.values():
            for variable in source.environment:
                monkeypatch.setenv(variable, f"real-{source.config_key}")

    def test_it_contains_no_setting_of_the_user(self, openai_ft_emulator: EmulatorFixture) -> None:
        settings = Settings.resolve(lambda _key: None)

        assert settings.base_url == openai_ft_emulator.base_url
        assert "real-" not in repr((settings, settings.api_key, settings.admin_key))
        assert os.environ["OPENAI_FT_TODAY"] == str(openai_ft_emulator.emulator.settings.today)
