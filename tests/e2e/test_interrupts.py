"""Ctrl-C: the command ends soon, the state is complete, no job is created afterwards, and the next command resumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import use_host
from tests.e2e.running import (
    RunningCommand,
    finish_jobs,
    freeze_jobs,
    host_pids,
    resources,
    wait_until,
    with_data,
)
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack
    from tests.e2e.running import FinishedCommand

    from pulumi_openai_ft.emulator import Fault

pytestmark = pytest.mark.e2e
JOBS, ONE_JOB, CANCEL = "/fine_tuning/jobs", "/fine_tuning/jobs/ftjob-*", "/fine_tuning/jobs/ftjob-*/cancel"
SOON = 6.0
"""Maximum seconds from Ctrl-C to the end of the command. An idle machine needs 2."""
FOREVER = 300.0
KILLED_AFTER = 5.0
"""Seconds after which the engine kills a host that is still running at the end of a command."""
PROGRAM = """
import os
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
waits = os.environ["WAIT"] == "yes"
for number in range(int(os.environ["JOBS"])):
    ft.FineTuningJob(f"job-{number}", model="gpt-4o-mini-2024-07-18", training_file=data, seed=number,
                     wait_for_completion=waits)
"""


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs make no progress."""
    with Emulator(today=TODAY) as emulator:
        freeze_jobs(emulator)
        yield emulator


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return with_data(make_stack(PROGRAM, JOBS="1", WAIT="yes"))


def press_ctrl_c(stack: Stack, running: RunningCommand, *, within: float = SOON) -> FinishedCommand:
    """Press Ctrl-C, and assert that the command and its host end in time."""
    pressed = running.interrupt()
    finished = running.end()

    duration = finished.ended_at - pressed
    row_times = [at - pressed for at, line in running.lines if "**" in line and "openai_ft" in line]
    print(  # noqa: T201 - a measurement
        f"{stack.folder.parent.name}: resources {max(row_times, default=0):.2f} s, command {duration:.2f} s"
    )
    assert finished.code == 1, finished.text
    assert duration < within, finished.text
    assert "Traceback" not in finished.text
    assert host_pids(stack) == []
    return finished


def wait_for_fault(service: Emulator, fault: Fault, running: RunningCommand) -> None:
    """Wait until the fault has hit a request."""
    wait_until(lambda: fault.struck, running)
    assert service.backend.faults.all() == [fault]


def assert_all_jobs_recorded(
    stack: Stack, service: Emulator, finished: FinishedCommand, status: str = "validating_files"
) -> None:
    """Assert that the state contains every job, and that the output reports its status and next step."""
    jobs = {name: found for name, found in resources(stack).items() if name.startswith("job-")}
    assert sorted(found["id"] for found in jobs.values()) == sorted(job["id"] for job in service.jobs())
    for found in jobs.values():
        (message,) = found["initErrors"]
        assert message in finished.text
        assert message.startswith(
            f"job {found['id']} is still running at the service (last known status: {status}): "
        )
        assert message.endswith("`pulumi up` waits for it again, `pulumi destroy` cancels it")


def assert_resumes(stack: Stack, service: Emulator, jobs: int = 1) -> None:
    """Assert that the next `up` succeeds, with one job for each resource and one file."""
    service.clear_faults()
    finish_jobs(service)
    stack.up()
    assert [job["status"] for job in service.jobs()] == ["succeeded"] * jobs
    assert len([file for file in service.files() if file["purpose"] == "fine-tune"]) == 1


@pytest.mark.core
@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.long), 20])
def test_interrupted_jobs_keep_running_and_up_resumes_waiting(
    stack: Stack, service: Emulator, jobs: int
) -> None:
    stack.environment["JOBS"] = str(jobs)
    with RunningCommand.start(stack, "up", "--parallel", "32") as up:
        for number in range(jobs):
            up.await_line(f"job-{number} creating (0s) validating_files")
        finished = press_ctrl_c(stack, up)

    assert len(service.jobs()) == jobs
    assert_all_jobs_recorded(stack, service, finished)
    assert finished.text.count("the command was interrupted") >= jobs
    assert_resumes(stack, service, jobs)
    stack.preview("--expect-no-changes")


def test_the_last_status_shown_is_reported(stack: Stack, service: Emulator) -> None:
    with RunningCommand.start(stack, "up") as up:
        up.await_line("job-0 creating (0s) validating_files")
        service.advance(60)
        up.await_line("running ·")
        finished = press_ctrl_c(stack, up)

    assert_all_jobs_recorded(stack, service, finished, "running")


@pytest.mark.long
def test_a_resumed_wait_can_be_interrupted_again(stack: Stack, service: Emulator) -> None:
    for _ in range(2):
        polls_before = len(service.journal(method="GET", path=f"/v1{ONE_JOB}"))
        with RunningCommand.start(stack, "up") as up:
            wait_until(
                lambda: len(service.journal(method="GET", path=f"/v1{ONE_JOB}")) > polls_before + 1,  # noqa: B023 - called in this iteration
                up,
            )
            assert_all_jobs_recorded(stack, service, press_ctrl_c(stack, up))

    assert_resumes(stack, service)


def test_a_hanging_service_does_not_delay_an_interruption(stack: Stack, service: Emulator) -> None:
    fault = service.fault("GET", ONE_JOB, "hang", seconds=FOREVER)
    with RunningCommand.start(stack, "up") as up:
        wait_for_fault(service, fault, up)
        finished = press_ctrl_c(stack, up)

    assert_all_jobs_recorded(stack, service, finished)
    assert_resumes(stack, service)


@pytest.mark.core
def test_nothing_is_created_after_ctrl_c(stack: Stack, service: Emulator) -> None:
    fault = service.fault("GET", JOBS, "hang", skip=1, seconds=FOREVER)  # `check` sends the first
    with RunningCommand.start(stack, "up") as up:
        wait_for_fault(service, fault, up)
        finished = press_ctrl_c(stack, up)

    assert "interrupted" in finished.text
    assert service.journal(method="POST", path=f"/v1{JOBS}") == []
    assert set(resources(stack)) == {"data"}
    assert_resumes(stack, service)


@pytest.mark.long
@pytest.mark.parametrize("acts", [True, False], ids=["acted", "acts later"])
def test_a_create_in_progress_is_recorded(stack: Stack, service: Emulator, *, acts: bool) -> None:
    """The request is not abandoned, because the state must record a job that costs money."""
    fault = service.fault("POST", JOBS, "hang", seconds=3.0, acts=acts)
    with RunningCommand.start(stack, "up") as up:
        wait_for_fault(service, fault, up)
        finished = press_ctrl_c(stack, up, within=3.0 + SOON)

    assert len(service.jobs()) == 1
    assert_all_jobs_recorded(stack, service, finished)
    assert_resumes(stack, service)


@pytest.mark.long
@pytest.mark.parametrize("acts", [False, True], ids=["acts later", "acted"])
def test_an_upload_in_progress_is_recorded(stack: Stack, service: Emulator, *, acts: bool) -> None:
    fault = service.fault("POST", "/files", "hang", seconds=3.0, acts=acts)
    with RunningCommand.start(stack, "up") as up:
        wait_for_fault(service, fault, up)
        press_ctrl_c(stack, up, within=3.0 + SOON)

    assert {found["id"] for found in resources(stack).values()} == {file["id"] for file in service.files()}
    assert service.jobs() == []
    assert_resumes(stack, service)


@pytest.mark.parametrize(
    "acts", [False, pytest.param(True, marks=pytest.mark.long)], ids=["acts later", "acted"]
)
def test_an_interrupted_destroy_cancels_jobs_next_time(
    stack: Stack, service: Emulator, *, acts: bool
) -> None:
    """A job without a confirmed cancellation stays in the state, and the next `destroy` cancels it."""
    stack.environment.update(WAIT="no", JOBS="2")
    stack.up()
    fault = service.fault("POST", CANCEL, "hang", times=2, seconds=FOREVER, acts=acts)
    with RunningCommand.start(stack, "destroy") as destroy:
        wait_until(lambda: fault.struck == 2, destroy)
        finished = press_ctrl_c(stack, destroy)

    assert "interrupted" in finished.text
    assert set(resources(stack)) == {"data", "job-0", "job-1"}
    service.clear_faults()
    stack.destroy()
    assert [job["status"] for job in service.jobs()] == ["cancelled"] * 2
    assert service.files() == []


def test_no_command_waits_for_its_host_to_be_killed(stack: Stack, service: Emulator) -> None:
    finish_jobs(service)
    stack.up()

    def seconds(host: str) -> float:
        use_host(host, stack.folder)
        with RunningCommand.start(stack, "preview") as preview:
            return preview.end().ended_at - preview.started

    stock, ours = seconds("stock"), seconds("ours")

    print(f"a preview without changes: {ours:.2f} s, on the stock host {stock:.2f} s")  # noqa: T201 - measurements
    assert ours < stock + KILLED_AFTER / 2
    assert host_pids(stack) == []
