"""The real engine, the profile `self-hosted`, and a service that trains, with the stand-in trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.e2e.running import RunningCommand, wait_until
from tests.serve.services import (
    ADMIN_KEY,
    ALIAS,
    BASE,
    OTHER_KEY,
    OTHER_PROJECT,
    PROJECT_KEY,
    RunningService,
    wait_for,
)
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e

PROGRAM = f"""
import pulumi
import pulumi_openai_ft as openai_ft

file = openai_ft.File("data", file="data.jsonl")
job = openai_ft.FineTuningJob("job", model="{ALIAS}", training_file=file, suffix="shop")
openai_ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=job.fine_tuned_model, project_ids=["{OTHER_PROJECT}"]
)
pulumi.export("fine_tuned_model", job.fine_tuned_model)
pulumi.export("job", job.id)
"""
QUESTION: Any = [{"role": "user", "content": "hello"}]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    with RunningService.create(tmp_path / "service") as running:
        yield running


@pytest.fixture
def client(service: RunningService) -> Iterator[openai.OpenAI]:
    with service.client() as client:
        yield client


@pytest.fixture
def stack(make_stack: Callable[..., Stack], service: RunningService) -> Stack:
    """A stack with the lines that `openai-ft serve init` prints."""
    made = make_stack(PROGRAM, OPENAI_BASE_URL=None, OPENAI_API_KEY=None, OPENAI_ADMIN_KEY=None)
    write_training_data(made.folder / "data.jsonl", rows=12)
    made.pulumi("config", "set", "openai-ft:service", "self-hosted")
    made.pulumi("config", "set", "openai-ft:baseUrl", service.url)
    made.pulumi("config", "set", "--secret", "openai-ft:apiKey", PROJECT_KEY)
    made.pulumi("config", "set", "--secret", "openai-ft:adminKey", ADMIN_KEY)
    return made


@pytest.mark.core
def test_a_program_trains_shares_and_retrains(
    stack: Stack, service: RunningService, client: openai.OpenAI
) -> None:
    stack.up()

    model = stack.outputs()["fine_tuned_model"]
    assert model.startswith(f"ft:{BASE}:team:shop:")
    answer = client.chat.completions.create(model=model, messages=QUESTION)
    assert answer.choices[0].message.content == "step-9 hello"
    with service.client(OTHER_KEY) as other:
        assert other.models.retrieve(model).id == model

    stack.preview("--expect-no-changes")
    stack.refresh()
    stack.preview("--expect-no-changes")
    assert len(list(client.fine_tuning.jobs.list())) == 1

    write_training_data(stack.folder / "data.jsonl", rows=20)
    assert stack.planned() == {"data": ["replace"], "job": ["replace"], "share": ["replace"]}
    stack.up()
    retrained = stack.outputs()["fine_tuned_model"]
    assert retrained != model
    assert len(list(client.fine_tuning.jobs.list())) == 2
    assert client.chat.completions.create(model=retrained, messages=QUESTION).model == retrained

    stack.destroy()
    with service.client(OTHER_KEY) as other, pytest.raises(openai.NotFoundError):
        other.models.retrieve(retrained)
    assert [file.purpose for file in client.files.list(purpose="fine-tune")] == []


def test_destroy_cancels_a_training_run(stack: Stack, service: RunningService, client: openai.OpenAI) -> None:
    service.plan(seconds=60)
    with RunningCommand.start(stack, "up") as up:
        wait_until(lambda: bool(service.trainers()), up)
        up.interrupt()
        up.end()
    (job,) = client.fine_tuning.jobs.list()
    assert job.status == "running"

    stack.destroy()

    wait_for(client, job.id, "cancelled")
    wait_until(lambda: service.trainers() == [])
    assert list(client.files.list()) == []
