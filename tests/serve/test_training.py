"""Training through the service, with the stand-in trainer."""

from __future__ import annotations

import base64
import csv
import io
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.serve.services import (
    ADMIN_KEY,
    ALIAS,
    BASE,
    ENDED,
    OTHER_KEY,
    OTHER_PROJECT,
    PROJECT,
    RunningService,
    key_entry,
    messages,
    train,
    wait_for,
)
from tests.serve.stand_in_trainer import loss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    with RunningService.create(tmp_path) as running:
        yield running


def test_a_job_trains_and_publishes_its_model(service: RunningService) -> None:
    client = service.client(_strict_response_validation=True)

    created = train(client, suffix="shop")
    job = wait_for(client, created.id, "succeeded")

    assert (created.status, created.model) == ("validating_files", BASE)
    assert job.fine_tuned_model.startswith(f"ft:{BASE}:team:shop:")
    assert job.trained_tokens == 7 * 10 * 3
    assert job.method.supervised.hyperparameters.to_dict() == {
        "batch_size": 4,
        "learning_rate_multiplier": 1.0,
        "n_epochs": 3,
    }
    assert {job.fine_tuned_model, BASE, ALIAS} <= {model.id for model in client.models.list()}


def test_events_describe_the_whole_training(service: RunningService) -> None:
    client = service.client()
    job = wait_for(client, train(client).id, "succeeded")

    events = list(client.fine_tuning.jobs.list_events(job.id, limit=100))[::-1]
    steps: list[Any] = [event.data for event in events if event.type == "metrics"]

    assert [step["step"] for step in steps] == list(range(1, 10))
    assert [step["train_loss"] for step in steps] == [loss(7, step) for step in range(1, 10)]
    texts = [event.message for event in events if event.type == "message"]
    assert texts[:4] == [
        f"Created fine-tuning job: {job.id}",
        f"Validating training file: {job.training_file}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
    ]
    assert texts[-2:] == [
        f"New fine-tuned model created: {job.fine_tuned_model}",
        "The job has successfully completed",
    ]


def test_the_result_file_has_a_row_per_step(service: RunningService) -> None:
    client = service.client()
    job = wait_for(client, train(client).id, "succeeded")

    content = client.files.content(job.result_files[0]).content
    table = list(csv.DictReader(io.StringIO(base64.b64decode(content).decode())))

    assert [row["step"] for row in table] == [str(step) for step in range(1, 10)]
    assert float(table[0]["train_loss"]) == loss(7, 1)
    assert table[0]["valid_loss"] == ""


def test_the_last_three_checkpoints_are_models(service: RunningService) -> None:
    client = service.client()
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 5, "batch_size": 5}}}
    job = wait_for(client, train(client, method=method).id, "succeeded")

    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id))

    assert [found.step_number for found in checkpoints] == [10, 8, 6]
    assert checkpoints[0].fine_tuned_model_checkpoint == job.fine_tuned_model
    for found in checkpoints:
        name = found.fine_tuned_model_checkpoint
        assert client.models.retrieve(name).id == name
        answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hello"}])
        assert answer.choices[0].message.content == f"step-{found.step_number} hello"


def test_a_checkpoint_is_visible_while_training_continues(service: RunningService) -> None:
    service.plan(seconds=0.3)
    client = service.client()
    job = train(client)

    found = wait_for(
        client,
        job.id,
        "running",
        until=lambda _: bool(list(client.fine_tuning.jobs.checkpoints.list(job.id))),
    )

    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list(job.id)
    assert checkpoint.step_number == 3
    assert checkpoint.fine_tuned_model_checkpoint.endswith(":ckpt-step-3")
    assert found.estimated_finish >= found.created_at


def test_a_second_job_waits_for_the_slot(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    first, second = train(client), train(client)

    wait_for(client, first.id, "running")
    waiting = wait_for(
        client,
        second.id,
        "queued",
        until=lambda _: any("waits" in text for text in messages(client, second.id)),
    )

    assert "The job waits in the queue: another job trains" in messages(client, waiting.id)
    assert len(service.trainers()) == 1
    wait_for(client, first.id, "succeeded")
    service.plan()
    wait_for(client, second.id, "succeeded")


def test_two_slots_train_two_jobs(tmp_path: Path) -> None:
    with RunningService.create(tmp_path, slots=2) as service:
        service.plan(seconds=0.3)
        client = service.client()
        jobs = [train(client).id for _ in range(3)]
        wait_for(client, jobs[0], "running")
        wait_for(client, jobs[1], "running")
        wait_for(client, jobs[2], "queued")
        service.plan()
        for job in jobs:
            wait_for(client, job, "succeeded")


def test_cancel_stops_the_process_and_frees_the_slot(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    job = wait_for(client, train(client).id, "running", until=lambda _: bool(service.trainers()))

    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"

    service.plan()
    following = wait_for(client, train(client).id, "succeeded")
    assert following.status == "succeeded"
    assert service.trainers() == []
    assert client.fine_tuning.jobs.retrieve(job.id).status == "cancelled"


def test_a_paused_job_continues_after_its_last_step(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    job = wait_for(
        client,
        train(client).id,
        "running",
        until=lambda _: "Step 2/9" in str(messages(client, job_id(client))),
    )

    assert str(client.fine_tuning.jobs.pause(job.id).status) == "pausing"
    wait_for(client, job.id, "paused")
    assert service.trainers() == []
    service.plan()
    assert client.fine_tuning.jobs.resume(job.id).status == "queued"
    wait_for(client, job.id, "succeeded")

    texts = messages(client, job.id)
    assert [text for text in texts if text.startswith("Step ")] == [
        f"Step {step}/9: training loss={loss(7, step):.2f}" for step in range(1, 10)
    ]
    assert "Fine-tuning job paused" in texts


def job_id(client: openai.OpenAI) -> str:
    return next(iter(client.fine_tuning.jobs.list())).id


def test_a_resumed_job_waits_behind_others(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    first = wait_for(client, train(client).id, "running").id
    client.fine_tuning.jobs.pause(first)
    wait_for(client, first, "paused")
    second = wait_for(client, train(client).id, "running").id

    client.fine_tuning.jobs.resume(first)

    wait_for(client, first, "queued")
    assert client.fine_tuning.jobs.retrieve(second).status == "running"
    service.plan()
    wait_for(client, second, "succeeded")
    wait_for(client, first, "succeeded")


def test_training_continues_after_two_crashes(service: RunningService) -> None:
    service.plan(crash_at=[4, 7])
    client = service.client()

    job = wait_for(client, train(client).id, "succeeded")

    texts = messages(client, job.id)
    assert [text for text in texts if "unexpectedly" in text] == [
        "Attempt 1 ended unexpectedly after step 4; training continues from the last checkpoint",
        "Attempt 2 ended unexpectedly after step 7; training continues from the last checkpoint",
    ]
    assert len([text for text in texts if text.startswith("Step ")]) == 9


def test_a_job_fails_after_three_crashes(service: RunningService) -> None:
    service.plan(crash_at=[1, 1, 1, 1])
    client = service.client()

    job = wait_for(client, train(client).id, "failed")

    assert job.error.code == "training_failed"
    assert job.error.message.startswith("Training ended unexpectedly 3 times.")
    assert job.error.param is None
    service.plan()
    wait_for(client, train(client).id, "succeeded")


def test_the_trainers_error_is_the_jobs_error(service: RunningService) -> None:
    service.plan(fail="Line 3: the text contains a special token.")
    client = service.client()

    job = wait_for(client, train(client).id, "failed")

    assert job.error.to_dict() == {
        "code": "invalid_training_file",
        "message": "Line 3: the text contains a special token.",
        "param": "training_file",
    }


def test_a_missing_training_environment_fails_the_job(tmp_path: Path) -> None:
    with RunningService.create(tmp_path) as service:
        (tmp_path / "python").unlink()
        client = service.client()
        job = wait_for(client, train(client).id, "failed")
        assert job.error.message == (
            "The training environment cannot be started. Its operator finds the reason in the log."
        )
        assert "The training environment cannot be started" in service.log()


def test_an_invalid_file_fails_the_job(service: RunningService) -> None:
    client = service.client()
    file = client.files.create(file=("rows.jsonl", b'{"messages": []}\n' * 10), purpose="fine-tune")

    job = client.fine_tuning.jobs.create(model=ALIAS, training_file=file.id)

    failed = wait_for(client, job.id, "failed")
    assert failed.error.param == "training_file"
    assert "Line 1" in failed.error.message
    assert failed.finished_at >= failed.created_at


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (
            {
                "method": {
                    "type": "reinforcement",
                    "reinforcement": {
                        "grader": {
                            "type": "string_check",
                            "name": "g",
                            "input": "a",
                            "reference": "b",
                            "operation": "eq",
                        }
                    },
                }
            },
            "model",
        ),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
        ({"integrations": [{"type": "comet", "wandb": {"project": "p"}}]}, "integrations[0].type"),
        ({"model": "gpt-4o"}, "model"),
    ],
)
def test_a_job_that_cannot_train_is_refused(
    service: RunningService, request_: dict[str, Any], param: str
) -> None:
    client = service.client()
    if "method" in request_:
        content = b'{"messages": [{"role": "user", "content": "q"}]}\n' * 10
        request_["validation_file"] = client.files.create(file=("v.jsonl", content), purpose="fine-tune").id

    with pytest.raises(openai.APIStatusError) as refused:
        train(client, **request_)

    assert refused.value.status_code in (400, 404)
    assert refused.value.param == param
    assert list(client.fine_tuning.jobs.list()) == []


def test_images_are_refused_at_create(service: RunningService) -> None:
    client = service.client()
    image = '{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}'
    row = (
        f'{{"messages": [{{"role": "user", "content": [{image}]}}, {{"role": "assistant", "content": "a"}}]}}'
    )
    text = '{"messages": [{"role": "user", "content": "image_url"}, {"role": "assistant", "content": "a"}]}'
    harmless = client.files.create(file=("a.jsonl", "\n".join([text] * 10).encode()), purpose="fine-tune")
    images = client.files.create(
        file=("b.jsonl", "\n".join([text] * 9 + [row]).encode()), purpose="fine-tune"
    )

    with pytest.raises(openai.BadRequestError, match="does not train on images, but line 10"):
        client.fine_tuning.jobs.create(model=ALIAS, training_file=images.id)
    wait_for(client, client.fine_tuning.jobs.create(model=ALIAS, training_file=harmless.id).id, "succeeded")


def test_a_file_may_be_deleted_while_its_job_waits(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    first, second = train(client), train(client)
    wait_for(client, first.id, "running")

    client.files.delete(second.training_file)

    service.plan()
    wait_for(client, second.id, "succeeded")


def test_a_job_continues_from_a_tuned_model(service: RunningService) -> None:
    client = service.client()
    first = wait_for(client, train(client).id, "succeeded")

    job = train(client, model=first.fine_tuned_model)
    client.models.delete(first.fine_tuned_model)

    second = wait_for(client, job.id, "succeeded")
    assert second.model == first.fine_tuned_model
    assert second.fine_tuned_model.startswith(f"ft:{BASE}:team:")


def test_a_deleted_model_loses_its_weights(service: RunningService) -> None:
    client = service.client()
    job = wait_for(client, train(client).id, "succeeded")
    weights = service.job_folder(job.id) / "models" / "step-9"
    assert weights.exists()

    client.models.delete(job.fine_tuned_model)

    deadline = time.monotonic() + 10
    while weights.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not weights.exists()
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(
            model=job.fine_tuned_model, messages=[{"role": "user", "content": "hello"}]
        )


def test_a_checkpoint_can_be_deleted_like_a_model(service: RunningService) -> None:
    client = service.client()
    job = wait_for(client, train(client).id, "succeeded")
    _, checkpoint, _ = client.fine_tuning.jobs.checkpoints.list(job.id)
    name = checkpoint.fine_tuned_model_checkpoint

    assert client.models.delete(name).deleted

    assert name not in {model.id for model in client.models.list()}
    assert job.fine_tuned_model in {model.id for model in client.models.list()}


def test_permissions_decide_who_sees_a_model(service: RunningService) -> None:
    client, other = service.client(), service.client(OTHER_KEY)
    admin = service.client(ADMIN_KEY).fine_tuning.checkpoints.permissions
    model = wait_for(client, train(client).id, "succeeded").fine_tuned_model
    question: Any = [{"role": "user", "content": "hello"}]

    with pytest.raises(openai.NotFoundError):
        other.chat.completions.create(model=model, messages=question)
    (granted,) = admin.create(model, project_ids=[OTHER_PROJECT])
    assert other.models.retrieve(model).id == model
    assert other.chat.completions.create(model=model, messages=question).choices[0].message.content
    admin.delete(granted.id, fine_tuned_model_checkpoint=model)
    with pytest.raises(openai.NotFoundError):
        other.chat.completions.create(model=model, messages=question)


def test_a_key_has_a_limited_number_of_waiting_jobs(tmp_path: Path) -> None:
    with RunningService.create(tmp_path, more="queued_jobs_per_key = 1\n") as service:
        second_key = "sk-proj-test-a-second"
        with (tmp_path / "serve.toml").open("a") as config:
            config.write("\n" + key_entry(second_key, PROJECT))
        service.plan(seconds=0.2)
        client = service.client()
        first = wait_for(client, train(client).id, "running")
        train(client)

        with pytest.raises(openai.RateLimitError, match="The key sk-proj-…6789 has 1 job\\(s\\) that wait"):
            train(client)
        waiting = train(service.client(second_key))  # of the same project
        for job in (first, waiting):
            client.fine_tuning.jobs.cancel(job.id)


@pytest.mark.parametrize("seconds", [0.05, 0.15, 0.3, 0.6, 1.2])
def test_a_killed_service_finds_its_training_again(service: RunningService, seconds: float) -> None:
    service.plan(seconds=0.05)
    job = train(service.client())

    time.sleep(seconds)
    service.restart()

    client = service.client()
    wait_for(client, job.id, "succeeded")
    texts = [text for text in messages(client, job.id) if text.startswith("Step ")]
    assert texts == [f"Step {step}/9: training loss={loss(7, step):.2f}" for step in range(1, 10)]
    assert "unexpectedly" not in str(messages(client, job.id))


def test_a_restarted_service_can_stop_its_trainers(service: RunningService) -> None:
    service.plan(seconds=2)
    job = train(service.client())
    wait_for(service.client(), job.id, "running", until=lambda _: bool(service.trainers()))
    service.restart()

    service.client().fine_tuning.jobs.cancel(job.id)

    deadline = time.monotonic() + 10
    while service.trainers() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert service.trainers() == []


def test_a_killed_trainer_is_started_again(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    job = wait_for(client, train(client).id, "running", until=lambda _: bool(service.trainers()))

    os.kill(service.trainers()[0], signal.SIGKILL)

    service.plan()
    wait_for(client, job.id, "succeeded")
    assert "Attempt 1 ended unexpectedly" in str(messages(client, job.id))


def test_a_trainer_stopped_from_outside_continues(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    job = wait_for(
        client,
        train(client).id,
        "running",
        until=lambda _: "Step 1/9" in str(messages(client, job_id(client))),
    )

    os.kill(service.trainers()[0], signal.SIGTERM)

    service.plan()
    wait_for(client, job.id, "succeeded")
    assert "Training was stopped from outside; it continues" in messages(client, job.id)


def test_stopping_the_service_leaves_training_alone(service: RunningService) -> None:
    service.plan(seconds=0.2)
    client = service.client()
    job = wait_for(client, train(client).id, "running", until=lambda _: bool(service.trainers()))

    assert service.stop() == 0

    assert len(service.trainers()) == 1
    service.start()
    assert wait_for(service.client(), job.id, *ENDED).status == "succeeded"
