"""Lost responses at services that do not store the metadata of jobs: what a record on this machine resolves."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.harness import ENDLESS
from tests.faults.setups import endless_job, file
from tests.faults.stack_resource import StackResource

from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job.create_records import CreateRecordStore
from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    RequestError,
    ServiceConnectionError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.harness import Harness

JOBS = "/fine_tuning/jobs"
EPOCHS = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": "auto"}}}
OTHER = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}


@pytest.fixture(autouse=True)
def _own_mode(harness: Harness) -> Iterator[None]:
    sleep = harness.clock.sleep
    yield
    harness.clock.sleep = sleep  # type: ignore[method-assign]
    harness.reset()


@pytest.fixture(params=["documented", "unknown"])
def job(harness: Harness, request: pytest.FixtureRequest) -> StackResource:
    """A job at a service without metadata; the profile states that, or it does not."""
    harness.reset()
    harness.service.settings.mode = "gateway-without-metadata"
    if request.param == "documented":
        harness.settings["unsupportedFeatures"] = "metadata,metadata_filter,models"
    return endless_job(harness, wait_for_completion=False, method=EPOCHS, seed=7, suffix="support")


def lose_response(harness: Harness, action: str = "drop_after") -> None:
    harness.service.fault("POST", JOBS, action)


def go_down(harness: Harness) -> None:
    """Lose the response, and then every response: the process ends without having searched for the job."""
    lose_response(harness)
    after_post(harness, lambda: harness.service.fault("GET", "*", "drop_before", None))


def posts(harness: Harness) -> int:
    return len(harness.service.journal(method="POST", path=f"/v1{JOBS}"))


def ids(harness: Harness) -> list[str]:
    return [job["id"] for job in harness.service.jobs()]


def buy(job: StackResource, **changes: Any) -> str:
    """Create a job on the same file by other means than this package."""
    api = job.harness.provider(FineTuningJobProvider).api
    names = ("model", "training_file", "method", "seed", "suffix")
    return api.create_job({**{name: job.inputs[name] for name in names}, **changes}).id


def unresolved(job: StackResource, others: int = 0) -> str:
    """Run `up` twice, and return the error: it sends nothing again."""
    sent = posts(job.harness)
    with pytest.raises(ServiceConnectionError, match=r"does not store the metadata.*Nothing was sent again"):
        job.up()
    job.harness.clear_faults()
    with pytest.raises(
        ServiceConnectionError, match=r"does not store the metadata.*Nothing was sent again"
    ) as caught:
        job.up()
    assert posts(job.harness) <= sent + 1 + others
    return str(caught.value)


def records(harness: Harness) -> CreateRecordStore:
    return CreateRecordStore(harness.provider(FineTuningJobProvider).settings)


def test_the_job_of_a_lost_response_is_adopted(harness: Harness, job: StackResource) -> None:
    lose_response(harness)

    job.up()

    assert ids(harness) == [job.id]
    assert posts(harness) == 1


def test_a_later_process_adopts_the_job(harness: Harness, job: StackResource) -> None:
    go_down(harness)
    with pytest.raises(RequestError):
        job.up()
    harness.clear_faults()

    job.up()

    assert ids(harness) == [job.id]
    assert posts(harness) == 1


def test_a_job_of_a_lost_state_is_adopted(harness: Harness, job: StackResource) -> None:
    job.up()
    job.forget()

    job.up()

    assert ids(harness) == [job.id]


def test_a_recorded_job_that_is_not_found_stops(harness: Harness, job: StackResource) -> None:
    """The key may belong to another project, so that the job still exists."""
    job.up()
    recorded = job.id
    job.forget()
    harness.service.fault("GET", f"{JOBS}/{recorded}", "status", times=None, status=404)

    for _ in range(2):
        with pytest.raises(RequestError, match=recorded):
            job.up()

    assert list(records(harness).folder.glob("*.json"))
    assert posts(harness) == 1


def forget_everything(job: StackResource) -> str:
    """Lose the state and the records, as on another machine, and return the id of the job."""
    created = str(job.id)
    job.forget()
    shutil.rmtree(records(job.harness).folder)
    return created


@pytest.mark.parametrize("ended", [False, True])
def test_a_job_that_nothing_identifies_stops_a_create(
    harness: Harness,
    job: StackResource,
    ended: bool,  # noqa: FBT001
) -> None:
    job.up()
    created = forget_everything(job)
    if ended:
        harness.settings.setdefault("unsupportedFeatures", "models")
        harness.clock.now += 2 * ENDLESS

    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            job.up()
        assert f"{created} (" in str(caught.value)
        assert f"Nothing was created. If it does, run `pulumi import {JOB_TYPE} NAME {created}`" in str(
            caught.value
        )

    assert posts(harness) == 1
    assert list(records(harness).folder.glob("*.json")) == []


@pytest.mark.parametrize("changes", [{"suffix": "other"}, {"seed": 8}, {"method": OTHER}])
def test_other_values_create_another_job(
    harness: Harness, job: StackResource, changes: dict[str, Any]
) -> None:
    job.up()
    created = forget_everything(job)
    job.inputs.update(changes)

    job.up()

    assert set(ids(harness)) == {created, job.id}
    assert posts(harness) == 2


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_job_without_a_model_stops_no_create(harness: Harness, job: StackResource, status: str) -> None:
    job.up()
    created = forget_everything(job)
    edits = [{"path": path, "value": status} for path in ("status", "data.*.status")]
    harness.service.fault("GET", f"~/v1{JOBS}(/[^/]+)?", "edit", None, edits=edits)

    job.up()

    assert set(ids(harness)) == {created, job.id}
    assert posts(harness) == 2


def test_a_job_that_shows_its_key_alone_is_adopted(harness: Harness) -> None:
    harness.reset()
    harness.settings["unsupportedFeatures"] = "metadata_filter"
    job = endless_job(harness, wait_for_completion=False, seed=7)
    harness.service.fault("GET", JOBS, "edit", None, edits=[{"path": "data.*.metadata"}])
    job.up()
    created = job.id
    job.forget()

    job.up()

    assert [job.id] == ids(harness) == [created]


def test_equal_jobs_at_once_stop_neither(harness: Harness, job: StackResource) -> None:
    others = [StackResource(harness, job.kind, {**job.inputs, "__identity": f"job-{n}"}) for n in range(3)]
    provider = harness.provider(FineTuningJobProvider)

    with ThreadPoolExecutor(3) as pool:
        created = list(pool.map(lambda other: provider.create(other.inputs).id, others))

    assert sorted(created) == sorted(ids(harness))
    assert len(set(created)) == 3


def test_a_missing_job_is_not_created_again(harness: Harness, job: StackResource) -> None:
    harness.settings["unsupportedFeatures"] = "metadata"
    lose_response(harness, "drop_before")

    text = unresolved(job)

    assert "no job appeared" in text
    assert posts(harness) == 1


def test_the_deleted_record_allows_another_request(harness: Harness, job: StackResource) -> None:
    harness.settings["unsupportedFeatures"] = "metadata"
    lose_response(harness, "drop_before")
    text = unresolved(job)
    (record,) = records(harness).folder.glob("*.json")
    assert str(record) in text

    record.unlink()
    job.up()

    assert ids(harness) == [job.id]


@pytest.mark.parametrize("status", [500, 503, 502])
def test_a_service_error_leads_to_no_second_request(
    harness: Harness, job: StackResource, status: int
) -> None:
    harness.settings["unsupportedFeatures"] = "metadata"
    harness.service.fault("POST", JOBS, "status", None, status=status)

    assert "no job appeared" in unresolved(job)
    assert posts(harness) == 1


@pytest.mark.parametrize("name", ["two", "used", "named", "other"])
def test_an_uncertain_job_is_not_adopted(harness: Harness, job: StackResource, name: str) -> None:
    earlier = [buy(job, seed=8)] if name == "used" else []
    if earlier:
        harness.clock.now += 3600
    if name == "named":
        data = file(harness, filename="mine.jsonl")
        data.up()
        job.inputs["training_file"] = data.id
    lose_response(harness, "drop_before" if name == "other" else "drop_after")
    if name in ("two", "other"):
        changes = {"method": OTHER} if name == "other" else {}
        after_post(harness, lambda: buy(job, **changes))

    text = unresolved(job, others=1 if name in ("two", "other") else 0)

    candidates = set(ids(harness)) - set(earlier)
    assert len(candidates) == (2 if name == "two" else 1)
    assert all(id_ in text for id_ in candidates)
    assert "pulumi import pulumi-python:dynamic/openai_ft:FineTuningJob NAME ftjob-" in text


def after_post(harness: Harness, act: Callable[[], object]) -> None:
    """Do something once, at the first pause after the next create request."""
    sleep, waiting = harness.clock.sleep, [act]

    def act_and_sleep(seconds: float) -> None:
        if waiting:
            waiting.pop()()
        sleep(seconds)

    harness.clock.sleep = act_and_sleep  # type: ignore[method-assign]


def test_a_refused_request_leaves_no_record(harness: Harness, job: StackResource) -> None:
    harness.service.fault("POST", JOBS, "status", status=422, body={"detail": "no"})
    with pytest.raises(ServiceError):
        job.up()
    assert list(records(harness).folder.glob("*.json")) == []

    job.up()

    assert ids(harness) == [job.id]


def test_an_interruption_before_the_request_leaves_no_record(harness: Harness, job: StackResource) -> None:
    harness.service.fault("POST", JOBS, "status", status=429, headers={"retry-after": "1"})

    def interrupt() -> None:
        raise CommandInterruptedError("the command was interrupted")

    after_post(harness, interrupt)
    with pytest.raises(CommandInterruptedError):
        job.up()

    assert list(records(harness).folder.glob("*.json")) == []
    job.up()
    assert ids(harness) == [job.id]


def test_a_waiting_request_for_the_same_file_prevents_adoption(harness: Harness, job: StackResource) -> None:
    other = StackResource(harness, job.kind, {**job.inputs, "__identity": "another", "seed": 8})
    go_down(harness)
    with pytest.raises(RequestError):
        other.up()
    harness.clear_faults()
    lose_response(harness)

    unresolved(job)


def test_missing_metadata_is_reported_once(harness: Harness) -> None:
    harness.reset()
    harness.service.settings.mode = "gateway-without-metadata"
    jobs = [endless_job(harness, wait_for_completion=False, triggers=[number]) for number in range(3)]

    for job in jobs:
        job.up()

    warnings = [text for text in harness.messages if "without the metadata that was sent" in text]
    assert len(warnings) == 1
    assert f"job {jobs[0].id}" in warnings[0]
    assert records(harness).drops_metadata


def test_a_service_that_keeps_metadata_leaves_no_record(harness: Harness) -> None:
    harness.reset()
    job = endless_job(harness, wait_for_completion=False)

    job.up()

    assert not records(harness).drops_metadata
    assert list(records(harness).folder.glob("*.json")) == []


def test_an_unreadable_record_stops_the_operation(harness: Harness, job: StackResource) -> None:
    job.up()
    (record,) = records(harness).folder.glob("*.json")
    record.write_text("{")
    job.forget()

    with pytest.raises(Exception, match="cannot be read: check at the service whether the job exists"):
        job.up()

    assert posts(harness) == 1
