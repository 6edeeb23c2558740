from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._objects import Job
from pulumi_openai_ft._wait import Time, wait_for_job
from pulumi_openai_ft.errors import WaitTimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable


class ManualTime:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


def job(status: str) -> Job:
    return Job(id="ftjob-1", status=status, model="m")


def looks(*statuses: str) -> Callable[[], Job]:
    left = iter(statuses)
    return lambda: job(next(left))


def wait(look: Callable[[], Job], time: ManualTime, deadline: float | None = None) -> Job:
    timing = Time(now=time.now, sleep=time.sleep)
    return wait_for_job(
        job("queued"),
        look,
        lambda seen: seen.is_terminal,
        longest_interval=10,
        deadline=deadline,
        timing=timing,
    )


def test_ends_with_the_first_look_that_is_done() -> None:
    assert wait(looks("running", "succeeded", "failed"), ManualTime()).status == "succeeded"


def test_a_status_that_nobody_has_heard_of_is_not_the_end() -> None:
    assert wait(looks("contemplating", "succeeded"), ManualTime()).status == "succeeded"


def test_looks_often_at_first_and_never_less_often_than_asked() -> None:
    time = ManualTime()

    wait(looks(*["running"] * 20, "succeeded"), time)

    assert time.pauses[0] < 0.3
    assert 10 <= time.pauses[-1] <= 11
    assert all(
        earlier * 1.2 < later for earlier, later in zip(time.pauses[:8], time.pauses[1:9], strict=True)
    )


def test_ends_at_its_deadline_to_the_second() -> None:
    time = ManualTime()

    with pytest.raises(WaitTimedOutError, match="ftjob-1 is still running"):
        wait(lambda: job("running"), time, deadline=1060)

    assert time.seconds == 1060
