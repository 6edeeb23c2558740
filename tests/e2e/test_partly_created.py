"""Whatever fails once a job exists: it is recorded with the reason, and the next `up` goes on from there."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.running import Running, eventually, hold, let_finish, plan, resources, with_data
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack
    from tests.e2e.running import Ended

pytestmark = pytest.mark.e2e
LOOK = ("GET", "/fine_tuning/jobs/ftjob-*")
PATIENCE = 300.0
"""Seconds without any answer after which waiting ends."""
PROGRAM = """
import os
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl", validate="off")
job = ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=data, **eval(os.environ["MORE"]))
ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"])
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator that survives being stopped, and whose jobs stand still."""
    with Emulator(today=TODAY, data=tmp_path / "service") as emulator:
        hold(emulator)
        yield emulator


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return with_data(make_stack(PROGRAM, MORE="{}"))


def the_job(stack: Stack, service: Emulator) -> dict[str, Any]:
    """The one job there is, as the state has it."""
    (job,) = service.jobs()
    found = resources(stack)["job"]
    assert found["id"] == job["id"]
    assert "share" not in resources(stack)
    return found


def assert_only_goes_on(stack: Stack, *, to_create: set[str]) -> None:
    """A preview shows an update of the job, no replacement."""
    operations = {name: step["op"] for name, step in plan(stack).items()}
    assert operations == {"job": "update", **dict.fromkeys(to_create, "create")}


def assert_done(stack: Stack, service: Emulator) -> None:
    assert len(service.jobs()) == 1
    assert len(service.permissions()) == 1
    assert resources(stack)["job"]["outputs"]["status"] == "succeeded"
    stack.preview("--expect-no-changes")


def test_a_failed_job_is_recorded_and_reported_again(stack: Stack, service: Emulator) -> None:
    let_finish(service)
    with_data(stack, rows=3)

    first = stack.up(code=1).text

    job = the_job(stack, service)
    (reported,) = job["initErrors"]
    assert reported.startswith(f"job {job['id']} failed: invalid_n_examples: Training file has 3 example(s)")
    assert reported.endswith("set recreate_on_failure=True or change `triggers`")
    assert reported in first
    assert job["outputs"]["status"] == "failed"
    assert_only_goes_on(stack, to_create={"share"})

    stack.refresh()
    assert reported in stack.up(code=1).text
    assert the_job(stack, service)["initErrors"] == [reported]

    stack.environment["MORE"] = '{"recreate_on_failure": True}'
    stack.up(code=1)
    assert len(service.jobs()) == 2
    assert resources(stack)["job"]["id"] == service.jobs()[1]["id"]


def waiting_breaks_off(stack: Stack, service: Emulator) -> None:
    """Brings the stack up until the service lets nobody in any more, which ends after that."""
    service.fault(*LOOK, "status", times=None, status=401)
    said = stack.up(code=1).text
    service.clear_faults()

    job = the_job(stack, service)
    (told,) = job["initErrors"]
    assert told in said
    assert told.startswith(
        f"job {job['id']} is still running at the service (last known status: validating_files): "
    )
    assert told.endswith("`pulumi up` waits for it again, `pulumi destroy` cancels it")
    assert job["outputs"]["status"] == "validating_files"


def resumed(stack: Stack, service: Emulator) -> Ended:
    """Brings the stack up again: it waits for the job that is there until that is done."""
    seen = len(service.journal(method=LOOK[0], path=f"/v1{LOOK[1]}"))
    with Running.start(stack, "up") as up:
        eventually(lambda: len(service.journal(method=LOOK[0], path=f"/v1{LOOK[1]}")) > seen + 2, up)
        let_finish(service)
        return up.end()


@pytest.mark.parametrize(
    "is_refreshed", [False, pytest.param(True, marks=pytest.mark.long)], ids=["at once", "after a refresh"]
)
def test_an_interrupted_wait_is_resumed(stack: Stack, service: Emulator, *, is_refreshed: bool) -> None:
    waiting_breaks_off(stack, service)
    if is_refreshed:
        stack.refresh()
    assert_only_goes_on(stack, to_create={"share"})

    ended = resumed(stack, service)

    assert ended.code == 0, ended.text
    assert_done(stack, service)


@pytest.mark.parametrize(
    "is_refreshed", [pytest.param(False, marks=pytest.mark.long), True], ids=["at once", "after a refresh"]
)
def test_a_job_that_succeeded_after_an_interruption_is_complete(
    stack: Stack, service: Emulator, *, is_refreshed: bool
) -> None:
    waiting_breaks_off(stack, service)
    let_finish(service)
    if is_refreshed:
        stack.refresh()
        assert {name: step["op"] for name, step in plan(stack).items()} == {"share": "create"}

    stack.up()

    assert_done(stack, service)


def test_a_temporary_outage_is_waited_out(stack: Stack, service: Emulator) -> None:
    with Running.start(stack, "up") as up:
        eventually(lambda: service.journal(method=LOOK[0], path=f"/v1{LOOK[1]}"), up)
        port = int(service.url.split(":")[2].split("/")[0])
        service.stop()
        with socket.create_server(("127.0.0.1", port)) as nobody:
            for _ in range(2):
                nobody.accept()[0].close()
        service.start()
        let_finish(service)
        ended = up.end()

    assert ended.code == 0, ended.text
    assert_done(stack, service)


@pytest.mark.long
@pytest.mark.timeout(PATIENCE + 200)
def test_a_service_that_stays_away_loses_nothing(stack: Stack, service: Emulator) -> None:
    with Running.start(stack, "up") as up:
        eventually(lambda: service.journal(method=LOOK[0], path=f"/v1{LOOK[1]}"), up)
        service.stop()
        ended = up.end(PATIENCE + 120)
    service.start()
    hold(service)

    assert ended.code == 1, ended.text
    (told,) = the_job(stack, service)["initErrors"]
    assert "is still running at the service" in told
    assert "no answer" in told
    assert resumed(stack, service).code == 0
    assert_done(stack, service)


@pytest.mark.long
def test_a_job_past_its_deadline_is_cancelled_and_reported(stack: Stack, service: Emulator) -> None:
    stack.environment["MORE"] = '{"cancel_after_timeout": 3}'

    first = stack.up(code=1).text

    job = the_job(stack, service)
    assert f"job {job['id']} has not ended 3 s after its creation: cancelling it" in first
    (reported,) = job["initErrors"]
    assert reported.startswith(f"job {job['id']} was cancelled. It is not retried automatically")
    assert service.jobs()[0]["status"] == job["outputs"]["status"] == "cancelled"
    assert_only_goes_on(stack, to_create={"share"})

    assert reported in stack.up(code=1).text
    the_job(stack, service)
