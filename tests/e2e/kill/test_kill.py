"""After any process was killed at any time, the next `up` restores the stack without a duplicate job.

Steps for the user: After a killed engine, run `pulumi cancel` to unlock the stack, then run the same command again. It
warns about pending operations until you run `pulumi refresh --clear-pending-creates`. If all commands fail with
`failed to load checkpoint: EOF`, the engine was killed while its file backend wrote: delete the empty `.attrs` file
in the folder of the stack's file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, get_args

import pytest
from tests.e2e.kill.kill_points import AtRejection, AtRequest, AtTime
from tests.e2e.kill.scenarios import (
    CANCEL,
    CREATE,
    LATE,
    SCENARIOS,
    SHARED,
    UNFINISHED,
    StackLifecycle,
    Victim,
)
from tests.e2e.kill.summary import DUPLICATE_JOBS, KILLS, TOO_LATE
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.kill.kill_points import KillPoint
    from tests.e2e.kill.scenarios import Scenario

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
SEEDS = 40
VICTIMS: tuple[Victim, ...] = get_args(Victim)


@dataclass
class KillRecorder:
    """The results of the kills of a test."""

    lifecycle: StackLifecycle
    killed: list[bool] = field(default_factory=list)

    def kill(
        self, victim: Victim, kill_point: KillPoint, *command: str, wait_for_orphans: bool = True
    ) -> None:
        self.killed.append(
            self.lifecycle.kill(victim, kill_point, *command, wait_for_orphans=wait_for_orphans)
        )
        print(f"{' '.join(command)}: {victim} killed {kill_point}, {wait_for_orphans=}: {self.killed[-1]}")  # noqa: T201 - reproduces a failure


@pytest.fixture
def start_recorder(
    start_lifecycle: Callable[[Scenario], StackLifecycle], record_property: Callable[[str, int], None]
) -> Iterator[Callable[[Scenario], KillRecorder]]:
    """Return a function that starts a lifecycle and records the results of its kills for the summary."""
    recorders: list[KillRecorder] = []

    def make(scenario: Scenario) -> KillRecorder:
        recorders.append(KillRecorder(start_lifecycle(scenario)))
        return recorders[-1]

    yield make
    for recorder in recorders:
        print("\n".join(recorder.lifecycle.diagnostics))  # noqa: T201 - reproduces a failure
        record_property(KILLS, sum(recorder.killed))
        record_property(TOO_LATE, len(recorder.killed) - sum(recorder.killed))
        record_property(DUPLICATE_JOBS, max(0, recorder.lifecycle.duplicate_jobs()))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_kill_at_any_time_loses_nothing(
    seed: int,
    host: str,
    start_recorder: Callable[[Scenario], KillRecorder],
    usual_durations: Callable[[Scenario, str], dict[str, float]],
) -> None:
    """Each seed kills a process during `up` and another during `destroy`."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    scenario = random.choice(SCENARIOS)
    recorder = start_recorder(scenario)

    def kill_point(command: str) -> AtTime | AtRequest:
        if random.random() < 0.5:
            return AtTime(random.random() * usual_durations(scenario, host)[command])
        return AtRequest.choose_randomly(random, getattr(scenario, command))

    plans = {command: kill_point(command) for command in ("up", "destroy")}
    wait_for_orphans = random.choice((True, False))
    recorder.kill(VICTIMS[seed % 3], plans["up"], "up", wait_for_orphans=wait_for_orphans)
    recorder.lifecycle.up()
    recorder.kill(VICTIMS[(seed + 1) % 3], plans["destroy"], "destroy", wait_for_orphans=wait_for_orphans)
    recorder.lifecycle.destroy()


@pytest.mark.parametrize("host", [pytest.param("stock", marks=pytest.mark.long), "ours"])
@pytest.mark.parametrize(
    "victim", [pytest.param(victim, marks=[pytest.mark.core] * (victim == "engine")) for victim in VICTIMS]
)
def test_a_kill_during_the_create_response_loses_no_job(
    victim: Victim, start_recorder: Callable[[Scenario], KillRecorder]
) -> None:
    """The worst time: the job is created, but no process has recorded it."""
    recorder = start_recorder(UNFINISHED)

    recorder.kill(victim, AtRequest(*CREATE, skip=0, acts=True, linger=0.1), "up")

    assert recorder.killed == [True]
    recorder.lifecycle.up()


@pytest.mark.long
def test_a_refresh_can_clear_the_pending_operations_warning(
    start_lifecycle: Callable[[Scenario], StackLifecycle],
) -> None:
    """Without the refresh, each later command warns about the create that a killed engine did not record."""
    lifecycle = start_lifecycle(UNFINISHED)
    assert lifecycle.kill("engine", AtRequest(*CREATE, skip=0, acts=True, linger=0.1), "up")
    lifecycle.up()
    assert "pending operations" in lifecycle.stack.up().text

    lifecycle.stack.refresh("--clear-pending-creates")

    assert "pending operations" not in lifecycle.stack.up().text
    lifecycle.assert_state_matches_service()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_externally_cancelled_jobs_are_reported_and_not_recreated(
    seed: int,
    host: str,
    start_recorder: Callable[[Scenario], KillRecorder],
    usual_durations: Callable[[Scenario, str], dict[str, float]],
) -> None:
    """After a kill, `up` still reports the jobs and creates no new ones."""
    recorder = start_recorder(UNFINISHED)
    recorder.lifecycle.up()
    for job in recorder.lifecycle.service.jobs():
        recorder.lifecycle.service.cancel_externally(job["id"])

    part = Random(seed).random()  # noqa: S311 - repeatable, not secret
    kill_point = AtTime(part * usual_durations(UNFINISHED, host)["up"])
    recorder.kill(VICTIMS[seed % 3], kill_point, "up", "--refresh")

    reported = recorder.lifecycle.stack.up("--refresh", code=None)
    assert reported.code
    assert "was cancelled. It is not retried automatically" in reported.text
    recorder.lifecycle.assert_state_matches_service()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_a_kill_during_a_replacement_creates_no_duplicate(
    seed: int,
    host: str,
    start_recorder: Callable[[Scenario], KillRecorder],
    usual_durations: Callable[[Scenario, str], dict[str, float]],
) -> None:
    """A changed file replaces the job: one job is created, and of the old job only the model is kept."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    recorder = start_recorder(SHARED)
    recorder.lifecycle.up()
    write_training_data(recorder.lifecycle.stack.folder / "good.jsonl", "It changed.")
    recorder.lifecycle.replaced = 1

    kill_point: KillPoint = AtTime(random.random() * usual_durations(SHARED, host)["up"])
    if random.random() < 0.5:
        kill_point = AtRequest.choose_randomly(random, (*SHARED.up, *SHARED.destroy))
    recorder.kill(VICTIMS[seed % 3], kill_point, "up")

    recorder.lifecycle.up()


@pytest.mark.long
def test_a_kill_before_recording_a_deadline_loses_no_job(
    start_lifecycle: Callable[[Scenario], StackLifecycle],
) -> None:
    """The job was cancelled at its deadline, and the engine was killed before it recorded this."""
    lifecycle = start_lifecycle(LATE)

    assert lifecycle.kill("engine", AtRequest(*CANCEL, skip=0, acts=True, linger=0.1), "up")
    lifecycle.stack.up(code=None)

    lifecycle.assert_state_matches_service()


@pytest.mark.long
def test_an_orphaned_host_creates_no_job(start_lifecycle: Callable[[Scenario], StackLifecycle]) -> None:
    """The host of a killed engine waits to retry its create, while the next `up` creates the job."""
    lifecycle, kill_point = start_lifecycle(UNFINISHED), AtRejection(*CREATE, retry_after=20)
    assert lifecycle.kill("engine", kill_point, "up", wait_for_orphans=False)
    retry_at = time.monotonic() + kill_point.retry_after

    lifecycle.stack.up()
    assert time.monotonic() < retry_at, (
        "this machine was too slow: `up` ended after the retry of the orphaned host"
    )

    time.sleep(max(0.0, retry_at - time.monotonic()))
    lifecycle.assert_state_matches_service()
