from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from pulumi_openai_ft.emulator import Emulator


def metrics_of(client: openai.OpenAI, job_id: str) -> list[Any]:
    """Return the data of a job's metrics events, oldest first; the client does not define its type."""
    events = list(client.fine_tuning.jobs.list_events(job_id, limit=100))
    return [event.data for event in reversed(events) if event.type == "metrics"]


def test_events_describe_the_lifecycle_newest_first(client: openai.OpenAI, trained: Any) -> None:
    job = trained(hyperparameters={"n_epochs": 2, "batch_size": 5})

    events = list(client.fine_tuning.jobs.list_events(job.id, limit=100))

    assert [event.created_at for event in events] == sorted((e.created_at for e in events), reverse=True)
    assert {event.level for event in events} == {"info"}
    assert job.id in events[-1].message
    metrics = metrics_of(client, job.id)
    assert [data["step"] for data in metrics] == [1, 2, 3, 4]
    assert all({"total_steps", "train_loss", "train_mean_token_accuracy"} <= data.keys() for data in metrics)
    assert any(job.fine_tuned_model in event.message for event in events[:3])


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_pages_of_events_join(client: openai.OpenAI, trained: Any, limit: int) -> None:
    job = trained(hyperparameters={"n_epochs": 2, "batch_size": 2})
    all_events = client.fine_tuning.jobs.list_events(job.id, limit=100).data

    pages = list(client.fine_tuning.jobs.list_events(job.id, limit=limit).iter_pages())

    assert len(all_events) > 10
    assert [event for page in pages for event in page.data] == all_events
    assert len({event.id for event in all_events}) == len(all_events)
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_twenty_events_are_a_page(client: openai.OpenAI, trained: Any) -> None:
    """Ten epochs of ten examples take a hundred steps."""
    pages = list(
        client.fine_tuning.jobs.list_events(
            trained(hyperparameters={"n_epochs": 10, "batch_size": 1}).id
        ).iter_pages()
    )

    assert {len(page.data) for page in pages[:-1]} == {20}
    assert sum(len(page.data) for page in pages) > 100


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_last_three_epochs_leave_checkpoints(client: openai.OpenAI, trained: Any, limit: int) -> None:
    job = trained(hyperparameters={"n_epochs": 5, "batch_size": 2})

    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id, limit=limit))

    assert [checkpoint.step_number for checkpoint in checkpoints] == [25, 20, 15]
    assert {checkpoint.fine_tuning_job_id for checkpoint in checkpoints} == {job.id}
    assert checkpoints[0].fine_tuned_model_checkpoint == job.fine_tuned_model
    for checkpoint in checkpoints[1:]:
        assert checkpoint.fine_tuned_model_checkpoint.endswith(f":ckpt-step-{checkpoint.step_number}")
        assert checkpoint.metrics.step == checkpoint.step_number


def test_validation_is_measured_in_checkpoints(client: openai.OpenAI, trained: Any, upload: Any) -> None:
    job = trained(validation_file=upload(client, rows=12).id)

    for checkpoint in client.fine_tuning.jobs.checkpoints.list(job.id):
        assert checkpoint.metrics.full_valid_loss is not None
        assert checkpoint.metrics.full_valid_mean_token_accuracy is not None


def test_same_seed_gives_the_same_curve(client: openai.OpenAI, trained: Any) -> None:
    jobs = [trained(seed=seed) for seed in (7, 7, 8)]

    curves = [[data["train_loss"] for data in metrics_of(client, job.id)] for job in jobs]

    assert curves[0] == curves[1] != curves[2]


def test_job_moves_through_its_states(paced: Emulator, connect: Any, train: Any) -> None:
    client = connect(paced)
    job = train(client)
    seen = [job.status]

    for _ in range(13):
        paced.advance(10)
        status = client.fine_tuning.jobs.retrieve(job.id).status
        seen += [status] if status != seen[-1] else []

    assert seen == ["validating_files", "queued", "running", "succeeded"]


def test_a_running_job_has_an_estimated_finish(paced: Emulator, connect: Any, train: Any) -> None:
    client = connect(paced)
    job = train(client)
    paced.advance(60)

    running = client.fine_tuning.jobs.retrieve(job.id)

    assert running.status == "running"
    assert running.estimated_finish > job.created_at
    assert running.fine_tuned_model is None


def test_cancelled_job_stays_cancelled_and_keeps_its_events(
    paced: Emulator, connect: Any, train: Any
) -> None:
    client = connect(paced)
    job = train(client)
    paced.advance(60)

    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"

    paced.advance(1000)
    cancelled = client.fine_tuning.jobs.retrieve(job.id)
    assert (cancelled.status, cancelled.fine_tuned_model) == ("cancelled", None)
    assert any(event.type == "metrics" for event in client.fine_tuning.jobs.list_events(job.id))


def test_finished_job_cannot_be_cancelled(client: openai.OpenAI, trained: Any) -> None:
    job = trained()

    with pytest.raises(openai.BadRequestError) as refusal:
        client.fine_tuning.jobs.cancel(job.id)

    assert refusal.value.type == "invalid_request_error"


def test_paused_job_waits_for_resume(paced: Emulator, connect: Any, train: Any) -> None:
    """Use a lenient client while the job is paused: the client's list of statuses omits `paused`, which the
    API sends.
    """
    client, lenient = connect(paced), connect(paced, _strict_response_validation=False)
    job = train(client)
    paced.advance(60)

    assert lenient.fine_tuning.jobs.pause(job.id).status in ("pausing", "paused")
    paced.advance(1000)
    assert lenient.fine_tuning.jobs.retrieve(job.id).status == "paused"

    assert client.fine_tuning.jobs.resume(job.id).status == "queued"
    paced.advance(1000)
    assert client.fine_tuning.jobs.retrieve(job.id).status == "succeeded"


def test_paused_job_has_a_snapshot(paced: Emulator, connect: Any, train: Any) -> None:
    """Use a lenient client because of the status `paused`."""
    lenient = connect(paced, _strict_response_validation=False)
    job = train(lenient)
    paced.advance(100)
    lenient.fine_tuning.jobs.pause(job.id)
    paced.advance(100)

    checkpoints = list(lenient.fine_tuning.jobs.checkpoints.list(job.id))

    assert lenient.fine_tuning.jobs.retrieve(job.id).status == "paused"
    assert checkpoints
