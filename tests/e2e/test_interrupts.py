"""Ctrl-C: the command ends soon, nothing is lost, nothing is bought that was not, and the next command goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import select
from tests.e2e.running import (
    Running,
    eventually,
    hold,
    hosts_of,
    let_finish,
    resources,
    with_data,
)
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack
    from tests.e2e.running import Ended

    from pulumi_openai_ft.emulator import Fault

pytestmark = pytest.mark.e2e
JOBS, ONE_JOB, CANCEL = "/fine_tuning/jobs", "/fine_tuning/jobs/ftjob-*", "/fine_tuning/jobs/ftjob-*/cancel"
SOON = 6.0
"""Seconds from Ctrl-C to the end of the command. It is 2 on a machine that does nothing else."""
FOR_EVER = 300.0
KILLED_AFTER = 5.0
"""Seconds for which the engine waits at a command's end until it kills a host that does not end."""
PROGRAM = """
import os
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
waits = os.environ["WAIT"] == "yes"
for number in range(int(os.environ["JOBS"])):
    ft.FineTuningJob(f"job-{number}", model="gpt-4o-mini-2024-07-18", training_file=data, wait_for_completion=waits)
"""


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs stand still."""
    with Emulator(today=TODAY) as emulator:
        hold(emulator)
        yield emulator


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return with_data(make_stack(PROGRAM, JOBS="1", WAIT="yes"))


def interrupted(stack: Stack, running: Running, *, within: float = SOON) -> Ended:
    """Presses Ctrl-C; the command must end in time, and leave nobody behind."""
    pressed = running.interrupt()
    ended = running.end()

    took = ended.at - pressed
    said = [at - pressed for at, line in running.lines if "**" in line and "openai_ft" in line]
    print(f"{stack.folder.parent.name}: resources {max(said, default=0):.2f} s, command {took:.2f} s")  # noqa: T201 - the figure
    assert ended.code == 1, ended.text
    assert took < within, ended.text
    assert "Traceback" not in ended.text
    assert hosts_of(stack) == []
    return ended


def struck(service: Emulator, fault: Fault, running: Running) -> None:
    """Waits until a request has met the fault."""
    eventually(lambda: fault.struck, running)
    assert service.backend.faults.all() == [fault]


def assert_all_recorded(
    stack: Stack, service: Emulator, ended: Ended, status: str = "validating_files"
) -> None:
    """Every job there is, is in the state, and users are told what becomes of it."""
    jobs = {name: found for name, found in resources(stack).items() if name.startswith("job-")}
    assert sorted(found["id"] for found in jobs.values()) == sorted(job["id"] for job in service.jobs())
    for found in jobs.values():
        (told,) = found["initErrors"]
        assert told in ended.text
        assert told.startswith(
            f"job {found['id']} is still running at the service (last known status: {status}): "
        )
        assert told.endswith("`pulumi up` waits for it again, `pulumi destroy` cancels it")


def assert_resumes(stack: Stack, service: Emulator, jobs: int = 1) -> None:
    """The next `up` ends with all jobs done, one for each resource, and one file."""
    service.clear_faults()
    let_finish(service)
    stack.up()
    assert [job["status"] for job in service.jobs()] == ["succeeded"] * jobs
    assert len([file for file in service.files() if file["purpose"] == "fine-tune"]) == 1


@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.long), 20])
def test_interrupted_jobs_keep_running_and_are_awaited_again(
    stack: Stack, service: Emulator, jobs: int
) -> None:
    stack.environment["JOBS"] = str(jobs)
    with Running.start(stack, "up", "--parallel", "32") as up:
        for number in range(jobs):
            up.await_line(f"job-{number} creating (0s) validating_files")
        ended = interrupted(stack, up)

    assert len(service.jobs()) == jobs
    assert_all_recorded(stack, service, ended)
    assert ended.text.count("the command was interrupted") >= jobs
    assert_resumes(stack, service, jobs)
    stack.preview("--expect-no-changes")


def test_the_status_that_the_row_showed_is_reported(stack: Stack, service: Emulator) -> None:
    with Running.start(stack, "up") as up:
        up.await_line("job-0 creating (0s) validating_files")
        service.advance(60)
        up.await_line("running ·")
        ended = interrupted(stack, up)

    assert_all_recorded(stack, service, ended, "running")


@pytest.mark.long
def test_a_resumed_wait_can_be_interrupted_again(stack: Stack, service: Emulator) -> None:
    for _ in range(2):
        seen = len(service.journal(method="GET", path=f"/v1{ONE_JOB}"))
        with Running.start(stack, "up") as up:
            eventually(lambda: len(service.journal(method="GET", path=f"/v1{ONE_JOB}")) > seen + 1, up)  # noqa: B023 - of this round
            assert_all_recorded(stack, service, interrupted(stack, up))

    assert_resumes(stack, service)


def test_a_hanging_service_does_not_delay_an_interruption(stack: Stack, service: Emulator) -> None:
    fault = service.fault("GET", ONE_JOB, "hang", seconds=FOR_EVER)
    with Running.start(stack, "up") as up:
        struck(service, fault, up)
        ended = interrupted(stack, up)

    assert_all_recorded(stack, service, ended)
    assert_resumes(stack, service)


def test_nothing_is_created_after_ctrl_c(stack: Stack, service: Emulator) -> None:
    fault = service.fault("GET", JOBS, "hang", skip=1, seconds=FOR_EVER)  # `check` looks first
    with Running.start(stack, "up") as up:
        struck(service, fault, up)
        ended = interrupted(stack, up)

    assert "interrupted" in ended.text
    assert service.journal(method="POST", path=f"/v1{JOBS}") == []
    assert set(resources(stack)) == {"data"}
    assert_resumes(stack, service)


@pytest.mark.long
@pytest.mark.parametrize("acts", [True, False], ids=["acted", "acts later"])
def test_a_create_in_progress_is_recorded(stack: Stack, service: Emulator, *, acts: bool) -> None:
    """It may not be given up: who pays for it must know of it."""
    fault = service.fault("POST", JOBS, "hang", seconds=3.0, acts=acts)
    with Running.start(stack, "up") as up:
        struck(service, fault, up)
        ended = interrupted(stack, up, within=3.0 + SOON)

    assert len(service.jobs()) == 1
    assert_all_recorded(stack, service, ended)
    assert_resumes(stack, service)


@pytest.mark.long
@pytest.mark.parametrize("acts", [False, True], ids=["acts later", "acted"])
def test_an_upload_under_way_is_recorded(stack: Stack, service: Emulator, *, acts: bool) -> None:
    fault = service.fault("POST", "/files", "hang", seconds=3.0, acts=acts)
    with Running.start(stack, "up") as up:
        struck(service, fault, up)
        interrupted(stack, up, within=3.0 + SOON)

    assert {found["id"] for found in resources(stack).values()} == {file["id"] for file in service.files()}
    assert service.jobs() == []
    assert_resumes(stack, service)


@pytest.mark.parametrize(
    "acts", [False, pytest.param(True, marks=pytest.mark.long)], ids=["acts later", "acted"]
)
def test_a_destroy_that_cancels(stack: Stack, service: Emulator, *, acts: bool) -> None:
    """What is not known to be cancelled stays in the state; the next `destroy` sees to it."""
    stack.environment.update(WAIT="no", JOBS="2")
    stack.up()
    fault = service.fault("POST", CANCEL, "hang", times=2, seconds=FOR_EVER, acts=acts)
    with Running.start(stack, "destroy") as destroy:
        eventually(lambda: fault.struck == 2, destroy)
        ended = interrupted(stack, destroy)

    assert "interrupted" in ended.text
    assert set(resources(stack)) == {"data", "job-0", "job-1"}
    service.clear_faults()
    stack.destroy()
    assert [job["status"] for job in service.jobs()] == ["cancelled"] * 2
    assert service.files() == []


def test_no_command_waits_for_its_host_to_be_killed(stack: Stack, service: Emulator) -> None:
    let_finish(service)
    stack.up()

    def seconds(host: str) -> float:
        select(host, stack.folder)
        with Running.start(stack, "preview") as preview:
            return preview.end().at - preview.started

    stock, ours = seconds("stock"), seconds("ours")

    print(f"a preview that changes nothing: {ours:.2f} s, on the stock host {stock:.2f} s")  # noqa: T201 - the figures
    assert ours < stock + KILLED_AFTER / 2
    assert hosts_of(stack) == []
