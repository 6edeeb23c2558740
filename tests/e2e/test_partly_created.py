"""Failures after a job was created: the state records the job and the reason, and the next `up` resumes."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.running import RunningCommand, finish_jobs, freeze_jobs, plan, resources, wait_until, with_data
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack
    from tests.e2e.running import FinishedCommand

pytestmark = pytest.mark.e2e
POLL = ("GET", "/fine_tuning/jobs/ftjob-*")
MAX_OUTAGE = 300.0
"""Seconds without a response after which the provider stops waiting."""
PROGRAM = """
import os
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl", validate="off")
job = ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=data, **eval(os.environ["MORE"]))
ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"])
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that keeps its data when stopped, and whose jobs make no progress."""
    with Emulator(today=TODAY, data=tmp_path / "service") as emulator:
        freeze_jobs(emulator)
        yield emulator


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return with_data(make_stack(PROGRAM, MORE="{}"))


def recorded_job(stack: Stack, service: Emulator) -> dict[str, Any]:
    """Return the state entry of the only job."""
    (job,) = service.jobs()
    found = resources(stack)["job"]
    assert found["id"] == job["id"]
    assert "share" not in resources(stack)
    return found


def assert_only_updates_job(stack: Stack, *, to_create: set[str]) -> None:
    """Assert that a preview shows an update of the job, not a replacement."""
    operations = {name: step["op"] for name, step in plan(stack).items()}
    assert operations == {"job": "update", **dict.fromkeys(to_create, "create")}


def assert_done(stack: Stack, service: Emulator) -> None:
    assert len(service.jobs()) == 1
    assert len(service.permissions()) == 1
    assert resources(stack)["job"]["outputs"]["status"] == "succeeded"
    stack.preview("--expect-no-changes")


@pytest.mark.core
def test_a_failed_job_is_recorded_and_reported_again(stack: Stack, service: Emulator) -> None:
    finish_jobs(service)
    with_data(stack, rows=3)

    first = stack.up(code=1).text

    job = recorded_job(stack, service)
    (reported,) = job["initErrors"]
    assert reported.startswith(f"job {job['id']} failed: invalid_n_examples: Training file has 3 example(s)")
    assert reported.endswith("set recreate_on_failure=True or change `triggers`")
    assert reported in first
    assert job["outputs"]["status"] == "failed"
    assert_only_updates_job(stack, to_create={"share"})

    stack.refresh()
    assert reported in stack.up(code=1).text
    assert recorded_job(stack, service)["initErrors"] == [reported]

    stack.environment["MORE"] = '{"recreate_on_failure": True}'
    stack.up(code=1)
    assert len(service.jobs()) == 2
    assert resources(stack)["job"]["id"] == service.jobs()[1]["id"]


def interrupt_wait(stack: Stack, service: Emulator) -> None:
    """Run `up` until the service rejects the key, and restore the access afterwards."""
    service.fault(*POLL, "status", times=None, status=401)
    output = stack.up(code=1).text
    service.clear_faults()

    job = recorded_job(stack, service)
    (message,) = job["initErrors"]
    assert message in output
    assert message.startswith(
        f"job {job['id']} is still running at the service (last known status: validating_files): "
    )
    assert message.endswith("`pulumi up` waits for it again, `pulumi destroy` cancels it")
    assert job["outputs"]["status"] == "validating_files"


def resume(stack: Stack, service: Emulator) -> FinishedCommand:
    """Run `up` again, which waits for the existing job until it finishes."""
    polls_before = len(service.journal(method=POLL[0], path=f"/v1{POLL[1]}"))
    with RunningCommand.start(stack, "up") as up:
        wait_until(lambda: len(service.journal(method=POLL[0], path=f"/v1{POLL[1]}")) > polls_before + 2, up)
        finish_jobs(service)
        return up.end()


@pytest.mark.parametrize(
    "is_refreshed", [False, pytest.param(True, marks=pytest.mark.long)], ids=["at once", "after a refresh"]
)
def test_an_interrupted_wait_is_resumed(stack: Stack, service: Emulator, *, is_refreshed: bool) -> None:
    interrupt_wait(stack, service)
    if is_refreshed:
        stack.refresh()
    assert_only_updates_job(stack, to_create={"share"})

    finished = resume(stack, service)

    assert finished.code == 0, finished.text
    assert_done(stack, service)


@pytest.mark.parametrize(
    "is_refreshed", [pytest.param(False, marks=pytest.mark.long), True], ids=["at once", "after a refresh"]
)
def test_a_job_that_succeeded_after_an_interruption_is_complete(
    stack: Stack, service: Emulator, *, is_refreshed: bool
) -> None:
    interrupt_wait(stack, service)
    finish_jobs(service)
    if is_refreshed:
        stack.refresh()
        assert {name: step["op"] for name, step in plan(stack).items()} == {"share": "create"}

    stack.up()

    assert_done(stack, service)


def test_waiting_continues_after_a_temporary_outage(stack: Stack, service: Emulator) -> None:
    with RunningCommand.start(stack, "up") as up:
        wait_until(lambda: service.journal(method=POLL[0], path=f"/v1{POLL[1]}"), up)
        port = int(service.url.split(":")[2].split("/")[0])
        service.stop()
        with socket.create_server(("127.0.0.1", port)) as closing_socket:
            for _ in range(2):
                closing_socket.accept()[0].close()
        service.start()
        finish_jobs(service)
        finished = up.end()

    assert finished.code == 0, finished.text
    assert_done(stack, service)


@pytest.mark.long
@pytest.mark.timeout(MAX_OUTAGE + 200)
def test_a_long_outage_loses_no_job(stack: Stack, service: Emulator) -> None:
    with RunningCommand.start(stack, "up") as up:
        wait_until(lambda: service.journal(method=POLL[0], path=f"/v1{POLL[1]}"), up)
        service.stop()
        finished = up.end(MAX_OUTAGE + 120)
    service.start()
    freeze_jobs(service)

    assert finished.code == 1, finished.text
    (message,) = recorded_job(stack, service)["initErrors"]
    assert "is still running at the service" in message
    assert "no response" in message
    assert resume(stack, service).code == 0
    assert_done(stack, service)


@pytest.mark.long
def test_a_job_past_its_deadline_is_cancelled_and_reported(stack: Stack, service: Emulator) -> None:
    stack.environment["MORE"] = '{"cancel_after_timeout": 3}'

    first = stack.up(code=1).text

    job = recorded_job(stack, service)
    assert f"job {job['id']} has not ended 3 s after its creation: cancelling it" in first
    (reported,) = job["initErrors"]
    assert reported.startswith(f"job {job['id']} was cancelled. It is not retried automatically")
    assert service.jobs()[0]["status"] == job["outputs"]["status"] == "cancelled"
    assert_only_updates_job(stack, to_create={"share"})

    assert reported in stack.up(code=1).text
    recorded_job(stack, service)
