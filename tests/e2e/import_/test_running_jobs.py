"""Jobs that are not done, or ended badly: what the import keeps of them, and what the next `up` does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from tests.e2e.import_.importing import (
    JOB,
    MODEL,
    import_one,
    printed,
    set_config,
    state,
    with_input,
    write,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Ran, Stack
    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e


@pytest.fixture
def running(account: Account) -> str:
    """The id of a job that is running, and goes on as long as nobody moves the time."""
    account.service.backend.clock.per_read = 0
    job = account.order(account.upload())
    account.service.advance(60)
    assert account.client.fine_tuning.jobs.retrieve(job).status == "running"
    return job


def go_on(account: Account) -> None:
    """From now on the job moves a little each time that it is read."""
    account.service.backend.clock.per_read = 20


def test_the_printed_program_waits_for_a_running_job(stack: Stack, account: Account, running: str) -> None:
    set_config(stack, pollInterval="0.1")
    import_one(stack, JOB, "job", running, "--skip-preview", "--protect=false")
    assert state(stack)["job"]["outputs"]["status"] == "running"
    assert "wait_for_completion" not in printed(stack)
    write(stack, printed(stack))
    seen = account.seen()

    assert stack.planned() == {"job": ["update"]}
    go_on(account)
    stack.up()

    (job,) = account.service.jobs()
    outputs = state(stack)["job"]["outputs"]
    assert (outputs["status"], outputs["fine_tuned_model"]) == ("succeeded", job["fine_tuned_model"])
    stack.preview("--expect-no-changes")
    assert account.changes(seen) == []


@pytest.mark.long
def test_a_program_may_skip_waiting_for_a_running_job(stack: Stack, account: Account, running: str) -> None:
    import_one(stack, JOB, "job", running, "--skip-preview", "--protect=false")
    write(stack, with_input(printed(stack), "wait_for_completion=False"))

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
        go_on(account)

    stack.up()

    assert state(stack)["job"]["id"] == running
    assert state(stack)["job"]["outputs"]["status"] == status
    stack.preview("--expect-no-changes")
    assert len(account.service.jobs()) == 1


def assert_reported_without_create(stack: Stack, account: Account, sentence: str) -> None:
    """The printed program repeats at each `up` how the job ended; only who asks for another one gets it planned."""
    write(stack, printed(stack))
    reported: list[Ran] = [stack.up(code=1), stack.up(code=1)]
    for ran in reported:
        assert sentence in ran.text
        assert "It is not retried automatically" in ran.text
        assert "Traceback" not in ran.text
    assert len(account.service.jobs()) == 1

    write(stack, with_input(printed(stack), "recreate_on_failure=True"))
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
    assert "paused=True" in printed(stack)
    account.service.advance(10)
    write(stack, printed(stack))
    stack.up()
    stack.preview("--expect-no-changes")
    assert [job["status"] for job in account.service.jobs()] == ["paused"]

    write(stack, printed(stack).replace("    paused=True,\n", ""))
    account.service.backend.clock.per_read = math.inf
    stack.up()
    assert [job["status"] for job in account.service.jobs()] == ["succeeded"]
    stack.preview("--expect-no-changes")


@pytest.mark.long
def test_a_job_without_its_model_is_imported_and_reported(stack: Stack, account: Account) -> None:
    job = account.train(account.upload())
    account.client.models.delete(job.fine_tuned_model)

    import_one(stack, JOB, "job", job.id, "--skip-preview", "--protect=false")

    write(stack, printed(stack))
    reported = stack.up(code=1)
    assert f"model {job.fine_tuned_model} of job {job.id} was deleted" in reported.text
    assert len(account.service.jobs()) == 1
