from __future__ import annotations

import pytest
from tests.manual_time import ManualTime

from pulumi_openai_ft._late import look_for
from pulumi_openai_ft._service.pace import Time
from pulumi_openai_ft.errors import InterruptedCommandError


def test_what_appears_late_is_found() -> None:
    time, looks = ManualTime(0.0), iter([None, None, "job"])

    assert look_for(lambda: next(looks), time.time) == "job"
    assert time.seconds == 1.5


def test_what_does_not_appear_is_looked_for_half_a_minute() -> None:
    time = ManualTime(0.0)

    assert look_for(lambda: None, time.time) is None
    assert 30 <= time.seconds <= 31


def test_whoever_interrupts_the_looking_is_told_that_something_may_be_there() -> None:
    def interrupt(_seconds: float) -> None:
        raise InterruptedCommandError("the command was interrupted")

    with pytest.raises(InterruptedCommandError, match=r"interrupted before .*: run `pulumi up` again"):
        look_for(lambda: None, Time(sleep=interrupt))
