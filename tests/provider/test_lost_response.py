from __future__ import annotations

import pytest
from tests.fake_clock import FakeClock

from pulumi_openai_ft._client.rate_limit import Time
from pulumi_openai_ft._provider.lost_response import look_for
from pulumi_openai_ft.errors import InterruptedCommandError


def test_what_appears_late_is_found() -> None:
    time, looks = FakeClock(0.0), iter([None, None, "job"])

    assert look_for(lambda: next(looks), time.time) == "job"
    assert time.now == 1.5


def test_what_does_not_appear_is_looked_for_half_a_minute() -> None:
    time = FakeClock(0.0)

    assert look_for(lambda: None, time.time) is None
    assert 30 <= time.now <= 31


def test_whoever_interrupts_the_looking_is_told_that_something_may_be_there() -> None:
    def interrupt(_seconds: float) -> None:
        raise InterruptedCommandError("the command was interrupted")

    with pytest.raises(InterruptedCommandError, match=r"interrupted before .*: run `pulumi up` again"):
        look_for(lambda: None, Time(sleep=interrupt))
