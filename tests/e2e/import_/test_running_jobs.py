"""Imports of running, paused, failed and cancelled jobs, and the next `up`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from tests.e2e.import_.importing import (
    JOB,
    MODEL,
    import_one,
    printed_program,
    set_config,
    state,
    with_input,
    write,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import CommandResult, Stack
    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e


@pytest.fixture
def running(account: Account) -> str:
    """The id of a running job that does not finish until a test advances the time."""
    account.service.backend.clock.per_read = 0
    job = account.create_job(account.upload())
    account.service.advance(60)
    assert account.client.fine_tuning.jobs.retrieve(job).status == "running"
    return job


def advance_on_each_read(account: Account) -> None:
    """Let the job make progress with each request for it."""
    account.service.backend.clock.per_read = 20


def test_the_printed_program_waits_for_a_running_job(stack: Stack, account: Account, running: str) -> None:
    set_config(stack, pollInterval="0.1")
    import_one(stack, JOB, "job", running, "--skip-preview", "--protect=false")
    assert state(stack)["job"]["outputs"]["status"] == "running"
    assert "wait_for_completion" not in printed_program(stack)
    write(stack, printed_program(stack))
    last_request = account.last_request()

    assert stack.planned() == {"job": ["update"]}
    advance_on_each_read(account)
    stack.up()

    (job,) = account.service.jobs()
    outputs = state(stack)["job"]["outputs"]
    assert (outputs["status"], outputs["fine_tuned_model"]) == ("succeeded", job["fine_tuned_model"])
    stack.preview("--expect-no-changes")
    assert account.changing_requests(last_request) == []


@pytest.mark.long
def test_a_program_may_skip_waiting_for_a_running_job(stack: Stack, account: Account, running: str) -> None:
    import_one(stack, JOB, "job", running, "--skip-preview", "--protect=false")
    write(stack, with_input(printed_program(stack), "wait_for_completion=False"))

    stack.up()
    stack.preview("--expect-no-changes")
    assert state(stack)["job"]["outputs"]["status"] == "running"

    stack.destroy()
    (job,) = account.service.jobs()
    assert job["status"] == "cancelled"


OPTION = """
import pulumi_openai_ft as ft
from pulumi import ResourceOptions

ft.FineTuningJob("job", model={model!r}, training_file={file!r}, {more}opts=ResourceOptions(import_={id!r}))
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("more", "status"),
    [("", "succeeded"), ("wait_for_completion=False, ", "running")],
    ids=["waits", "goes on"],
)
def test_the_option_imports_and_waits_for_a_running_job(
    more: str, status: str, stack: Stack, account: Account, running: str
) -> None:
    set_config(stack, pollInterval="0.1")
    (job,) = account.service.jobs()
    write(stack, OPTION.format(model=MODEL, file=job["training_file"], more=more, id=running))
    if not more:
        advance_on_each_read(account)

    stack.up()

    assert state(stack)["job"]["id"] == running
    assert state(stack)["job"]["outputs"]["status"] == status
    stack.preview("--expect-no-changes")
    assert len(account.service.jobs()) == 1


def assert_reported_without_create(stack: Stack, account: Account, sentence: str) -> None:
    """Assert that each `up` reports the end of the job, and that only `recreate_on_failure` plans a new job."""
    write(stack, printed_program(stack))
    reported: list[CommandResult] = [stack.up(code=1), stack.up(code=1)]
    for result in reported:
        assert sentence in result.text
        assert "It is not retried automatically" in result.text
        assert "Traceback" not in result.text
    assert len(account.service.jobs()) == 1

    write(stack, with_input(printed_program(stack), "recreate_on_failure=True"))
    assert stack.planned() == {"job": ["replace"]}
    assert len(account.service.jobs()) == 1


@pytest.mark.long
def test_an_imported_failed_job_is_reported_by_each_up(stack: Stack, account: Account) -> None:
    job = account.train(account.upload(content='{"messages": []}\n'))
    assert job.status == "failed"

    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")

    outputs = state(stack)["job"]["outputs"]
    assert (outputs["status"], outputs["error"]["code"]) == ("failed", job.error.code)
    assert_reported_without_create(stack, account, f"job {job.id} failed: {job.error.code}")


@pytest.mark.long
def test_an_imported_cancelled_job_is_reported_by_each_up(
    stack: Stack, account: Account, running: str
) -> None:
    account.client.fine_tuning.jobs.cancel(running)

    import_one(stack, JOB, "job", running, "--skip-preview", "--protect=false")

    assert state(stack)["job"]["outputs"]["status"] == "cancelled"
    assert_reported_without_create(stack, account, f"job {running} was cancelled")


@pytest.mark.long
@pytest.mark.parametrize("status", ["pausing", "paused"])
def test_an_imported_paused_job_resumes_without_the_input(
    status: str, stack: Stack, account: Account, running: str
) -> None:
    account.client.fine_tuning.jobs.pause(running)
    if status == "paused":
        account.service.advance(10)

    import_one(stack, JOB, "job", running, "--skip-preview", "--protect=false")

    assert state(stack)["job"]["outputs"]["status"] == status
    assert "paused=True" in printed_program(stack)
    account.service.advance(10)
    write(stack, printed_program(stack))
    stack.up()
    stack.preview("--expect-no-changes")
    assert [job["status"] for job in account.service.jobs()] == ["paused"]

    write(stack, printed_program(stack).replace("    paused=True,\n", ""))
    account.service.backend.clock.per_read = math.inf
    stack.up()
    assert [job["status"] for job in account.service.jobs()] == ["succeeded"]
    stack.preview("--expect-no-changes")


@pytest.mark.long
def test_a_job_without_its_model_is_imported_and_reported(stack: Stack, account: Account) -> None:
    job = account.train(account.upload())
    account.client.models.delete(job.fine_tuned_model)

    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")

    write(stack, printed_program(stack))
    reported = stack.up(code=1)
    assert f"model {job.fine_tuned_model} of job {job.id} was deleted" in reported.text
    assert len(account.service.jobs()) == 1
