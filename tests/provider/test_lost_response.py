from __future__ import annotations

import pytest
from tests.fake_clock import FakeClock

from pulumi_openai_ft._provider.lost_response import LOOKUP_DELAYS, SPARSE_LOOKUP_DELAYS, poll_until_found
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.errors import CommandInterruptedError


def test_an_object_that_appears_late_is_found() -> None:
    time, results = FakeClock(0.0), iter([None, None, "job"])

    assert poll_until_found(lambda: next(results), time.time) == "job"
    assert time.now == 1.5


@pytest.mark.parametrize(("delays", "requests"), [(LOOKUP_DELAYS, 7), (SPARSE_LOOKUP_DELAYS, 4)])
def test_a_missing_object_is_searched_for_half_a_minute(delays: tuple[float, ...], requests: int) -> None:
    time, searches = FakeClock(0.0), list[float]()

    assert poll_until_found(lambda: searches.append(time.now), time.time, delays) is None
    assert time.now == 30
    assert (searches[0], searches[-1], len(searches)) == (0, 30, requests)


def test_an_interrupted_lookup_reports_a_possible_leftover() -> None:
    def interrupt(_seconds: float) -> None:
        raise CommandInterruptedError("the command was interrupted")

    with pytest.raises(CommandInterruptedError, match=r"interrupted before .*: run `pulumi up` again"):
        poll_until_found(lambda: None, TimeSource(sleep=interrupt))
