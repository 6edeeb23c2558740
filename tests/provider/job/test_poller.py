from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from threading import Barrier, Lock
from typing import TYPE_CHECKING

import pytest
from tests.fake_clock import FakeClock

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._provider.job.poller import (
    DUE_SPEEDUP,
    FIRST_INTERVAL,
    MAX_OUTAGE,
    Poller,
)
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import JobTimeoutError, NotFoundError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Script:
    """Jobs whose status follows a script with a step for each request; counts the requests."""

    statuses: list[str]
    ids: list[str]
    requests: int = 0
    failures: list[Exception] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def step(self) -> str:
        with self.lock:
            self.requests += 1
            if self.failures:
                raise self.failures.pop(0)
            return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class ScriptedApi(Client):
    """A client with scripted responses instead of a connection."""

    def __init__(self, script: Script) -> None:
        super().__init__(Settings(poll_interval=10))
        self.script = script

    def job(self, job_id: str) -> Job:
        return job(self.script.step(), job_id)

    def jobs(self, **_query: object) -> Iterator[Job]:
        for start in range(0, len(self.script.ids), 100):
            status = self.script.step()
            yield from (job(status, job_id) for job_id in self.script.ids[start : start + 100])


def job(status: str, job_id: str = "ftjob-1", estimated_finish: int | None = None) -> Job:
    return Job(id=job_id, status=status, model="m", estimated_finish=estimated_finish)


def poller(*statuses: str, time: FakeClock | None = None, ids: list[str] | None = None) -> Poller:
    time = time or FakeClock(1000.0)
    script = Script(list(statuses), ids or ["ftjob-1"])
    return Poller(ScriptedApi(script), time.time)


def script(poller: Poller) -> Script:
    assert isinstance(poller.api, ScriptedApi)
    return poller.api.script


def wait(poller: Poller, deadline: float | None = None, job_id: str = "ftjob-1") -> Job:
    return poller.wait(job("queued", job_id), lambda seen: seen.is_terminal, deadline=deadline)


def test_ends_with_the_first_terminal_status() -> None:
    assert wait(poller("running", "succeeded", "failed")).status == "succeeded"


def test_does_not_poll_a_finished_job() -> None:
    idle = poller("running")

    assert idle.wait(job("succeeded"), lambda seen: seen.is_terminal).status == "succeeded"
    assert script(idle).requests == 0


def test_an_unknown_status_is_not_terminal() -> None:
    assert wait(poller("contemplating", "succeeded")).status == "succeeded"


def test_polls_back_off_up_to_the_interval() -> None:
    time = FakeClock(1000.0)

    wait(poller(*["running"] * 60, "succeeded", time=time))

    assert time.pauses[0] < 0.3
    assert 10 <= time.pauses[-1] <= 11
    for waited, pause in zip(accumulate(time.pauses), time.pauses[1:], strict=False):
        assert pause < at_the_latest(waited)


def at_the_latest(waited: float) -> float:
    """Return the maximum delay, in seconds, with which a poller sees the end of a job."""
    return 1.25 * (FIRST_INTERVAL + waited / 10)


class EstimatingApi(ScriptedApi):
    """A client whose job ends at a given time, and has an estimated finish until then."""

    def __init__(self, time: FakeClock, ends_at: float, estimate: Callable[[float], int]) -> None:
        super().__init__(Script(["running"], []))
        self.time, self.ends_at, self.estimate = time, ends_at, estimate

    def job(self, job_id: str) -> Job:
        self.script.requests += 1
        now = self.time.now
        is_over = now >= self.ends_at
        return job("succeeded" if is_over else "running", job_id, None if is_over else self.estimate(now))


def waited_for(seconds: float, estimate: Callable[[float], int]) -> tuple[float, int]:
    """Return the delay in seconds with which the end of a job is seen that starts at 1000, and the number of
    requests.
    """
    time = FakeClock(1000.0)
    estimated = Poller(EstimatingApi(time, 1000 + seconds, estimate), time.time)
    wait(estimated)
    return time.now - (1000 + seconds), script(estimated).requests


@pytest.mark.parametrize("seconds", [2.0, 2.9, 47.3, 600.0])
def test_an_end_that_the_service_expects_is_seen_soon(seconds: float) -> None:
    """Estimates are truncated to whole seconds."""
    late, requests = waited_for(seconds, lambda _now: 1000 + int(seconds))
    _, usual = waited_for(seconds, lambda _now: 10**9)

    assert late <= at_the_latest(seconds) / DUE_SPEEDUP
    assert requests <= usual + 2 * DUE_SPEEDUP


@pytest.mark.parametrize("estimate", [int, lambda now: int(now) + 1], ids=["now", "in a second"])
def test_a_constantly_near_estimate_does_not_cause_constant_polling(
    estimate: Callable[[float], int],
) -> None:
    _, requests = waited_for(3600, estimate)
    _, usual = waited_for(3600, lambda _now: 10**9)

    assert requests <= usual * DUE_SPEEDUP


@pytest.mark.parametrize("estimate", [1000, 1600, 0])
def test_a_past_estimate_matters_only_briefly(estimate: int) -> None:
    _, requests = waited_for(3600, lambda _now: estimate)
    _, usual = waited_for(3600, lambda _now: 10**9)

    assert requests <= 1.1 * usual + 2 * DUE_SPEEDUP


def test_polls_more_often_after_a_job_ended() -> None:
    """Jobs that were created together end together."""
    time, ends = FakeClock(1000.0), {"ftjob-1": 20, "ftjob-2": 23}
    both = poller("running", ids=list(ends), time=time)

    class Ending(ScriptedApi):
        def jobs(self, **_query: object) -> Iterator[Job]:
            poll = len(time.pauses)
            yield from (
                job("succeeded" if poll == end else "running", job_id) for job_id, end in ends.items()
            )

    both.api = Ending(script(both))
    both._enter(job("running", "ftjob-1"), None, is_followed=False)

    wait(both, job_id="ftjob-2")

    before, after = time.pauses[19], time.pauses[20]
    assert before / 2 <= after <= before / 2 * 1.15


@pytest.mark.parametrize(("estimate", "pause"), [(2000, 1.25), (2003, 3.0), (2100, 10.0), (1000, 10.0)])
def test_pause_depends_on_the_estimated_finish(estimate: int, pause: float) -> None:
    waiting = poller("running", time=FakeClock(2000.0))
    waiting._enter(job("running", "ftjob-1", estimate), None, is_followed=False)
    waiting._interval = 10.0

    assert waiting._pause() == pause


def test_ends_at_its_deadline_to_the_second() -> None:
    time = FakeClock(1000.0)

    with pytest.raises(JobTimeoutError, match="ftjob-1 is still running"):
        wait(poller("running", time=time), deadline=1060)

    assert time.now == 1060


@pytest.mark.parametrize("count", [1, 2, 100, 101, 250])
def test_polling_costs_one_request_per_hundred_jobs(count: int) -> None:
    ids = [f"ftjob-{n}" for n in range(count)]
    many = poller("running", ids=ids)
    intervals = 10
    barrier = Barrier(count)

    def follow(job_id: str) -> None:
        barrier.wait()
        polls = 0

        def done(_seen: Job) -> bool:
            nonlocal polls
            polls += 1
            return many._polls >= intervals

        many.wait(job("queued", job_id), done)

    with ThreadPoolExecutor(count) as threads:
        list(threads.map(follow, ids))

    # a poll that begins while threads are still joining lists fewer jobs and needs fewer requests
    assert script(many).requests <= intervals * math.ceil(count / 100)
    assert many._polls == intervals


def test_a_job_missing_in_the_list_is_read_separately() -> None:
    two = poller("running", "succeeded", ids=["ftjob-other"])
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda job_id: wait(two, job_id=job_id), ["ftjob-1", "ftjob-2"]))

    assert [seen.status for seen in found] == ["succeeded", "succeeded"]


def test_tolerates_temporary_failures() -> None:
    waiting = poller("succeeded")
    script(waiting).failures = [ServerError("no", status=500) for _ in range(5)]

    assert wait(waiting).status == "succeeded"


def test_fails_after_a_long_outage() -> None:
    time = FakeClock(1000.0)
    waiting = poller("running", time=time)
    script(waiting).failures = [ServerError("still no", status=500) for _ in range(1000)]

    with pytest.raises(ServerError, match="still no"):
        wait(waiting)

    assert MAX_OUTAGE <= time.now - 1000 <= MAX_OUTAGE + 20


def test_a_rejected_request_ends_the_wait_immediately() -> None:
    refused = poller("running")
    script(refused).failures = [NotFoundError("no such job", status=404)]

    with pytest.raises(NotFoundError):
        wait(refused)

    assert script(refused).requests == 1
