from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import WALL, FakeClock, SharedFakeClock

from pulumi_openai_ft._client.rate_limit import MINUTE, Pace, Time, pace_of

RATE = 6.0
INTERVAL = MINUTE / RATE


def test_nothing_is_paced_before_the_service_finds_it_too_fast() -> None:
    sleeper = FakeClock(WALL)
    pace = Pace(sleeper.time)

    assert [pace.wait(RATE) for _ in range(20)] == [0.0] * 20
    assert sleeper.pauses == []


def test_calls_follow_each_other_at_the_rate_once_they_were_too_fast() -> None:
    sleeper = FakeClock(WALL)
    pace = Pace(sleeper.time)

    pace.slow_down(RATE)

    assert [pace.wait(RATE) for _ in range(5)] == [INTERVAL] * 5


def test_unused_time_is_not_saved_up_for_a_burst() -> None:
    sleeper = FakeClock(WALL)
    pace = Pace(sleeper.time)
    pace.slow_down(RATE)
    sleeper.now += 50

    assert [pace.wait(RATE), pace.wait(RATE)] == [0.0, INTERVAL]


def test_nobody_goes_before_the_time_that_the_service_asked_for() -> None:
    pace = Pace(FakeClock(WALL).time)

    pace.slow_down(RATE, retry_after=42)

    assert pace.wait(RATE) == 42


def test_one_answer_holds_all_back_for_two_minutes_at_the_most() -> None:
    pace = Pace(FakeClock(WALL).time)

    pace.slow_down(RATE, retry_after=86400)

    assert pace.wait(RATE) == 120


def test_many_complaints_at_once_count_as_one() -> None:
    pace = Pace(FakeClock(WALL).time)

    for _ in range(64):
        pace.slow_down(RATE)

    assert pace.wait(RATE) == INTERVAL


def test_a_complaint_without_a_time_does_not_shorten_one_with_it() -> None:
    pace = Pace(FakeClock(WALL).time)
    pace.slow_down(RATE, retry_after=42)

    pace.slow_down(RATE)

    assert pace.wait(RATE) == 42


def test_pacing_ends_after_a_minute_without_complaint() -> None:
    sleeper = FakeClock(WALL)
    pace = Pace(sleeper.time)
    pace.slow_down(RATE)
    sleeper.now += MINUTE

    assert [pace.wait(RATE) for _ in range(20)] == [0.0] * 20


def test_another_complaint_begins_the_minute_anew() -> None:
    sleeper = FakeClock(WALL)
    pace = Pace(sleeper.time)
    pace.slow_down(RATE)
    sleeper.now += MINUTE - 1
    pace.slow_down(RATE)
    sleeper.now += MINUTE - 1

    assert [pace.wait(RATE), pace.wait(RATE)] == [0.0, INTERVAL]


@given(st.lists(st.floats(0, 30), max_size=40), st.floats(1, 60), st.floats(0, 120))
def test_no_minute_sees_more_calls_than_the_rate_and_one(
    gaps: list[float], rate: float, retry_after: float
) -> None:
    sleeper = FakeClock(WALL)
    pace = Pace(sleeper.time)
    pace.slow_down(rate, retry_after)
    quiet = sleeper.now + MINUTE
    went = []
    for gap in gaps:
        sleeper.now += gap
        if sleeper.now >= quiet:
            break
        pace.wait(rate)
        went.append(sleeper.now)

    assert all(later - earlier >= MINUTE / rate - 1e-6 for earlier, later in pairwise(went))


def test_threads_go_in_the_order_in_which_they_came_and_paced_to_the_last() -> None:
    """Else all who still wait after a quiet minute would be too fast together, again and again."""
    waits = []

    with ThreadPoolExecutor(20) as pool, SharedFakeClock() as stage:
        pace = Pace(stage.time)
        pace.slow_down(RATE)
        for number in range(20):
            waits.append(pool.submit(pace.wait, RATE))
            stage.await_sleepers(number + 1)
        for wait in waits:
            stage.advance(INTERVAL)
            wait.result(timeout=10)

    assert [wait.result() for wait in waits] == [INTERVAL * (n + 1) for n in range(20)]


def test_nobody_overtakes_the_queue_when_the_minute_is_over() -> None:
    with ThreadPoolExecutor(2) as pool, SharedFakeClock() as stage:
        pace = Pace(stage.time)
        pace.slow_down(RATE, retry_after=100)
        first = pool.submit(pace.wait, RATE)
        stage.await_sleepers(1)
        stage.advance(MINUTE + 10)
        last = pool.submit(pace.wait, RATE)
        stage.await_sleepers(2)
        for wait, seconds in ((first, 30), (last, INTERVAL)):
            stage.advance(seconds)
            wait.result(timeout=10)

    assert (first.result(), last.result()) == (100, 30 + INTERVAL)


def test_a_complaint_moves_those_who_wait_already() -> None:
    sleeper = FakeClock(WALL)

    def sleep(seconds: float) -> None:
        sleeper.sleep(seconds)
        if len(sleeper.pauses) == 1:
            pace.slow_down(RATE, retry_after=100)

    pace = Pace(Time(clock=lambda: sleeper.now, sleep=sleep))
    pace.slow_down(RATE)

    assert pace.wait(RATE) == INTERVAL + 100


def test_who_is_interrupted_leaves_the_queue() -> None:
    sleeper = FakeClock(WALL)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    pace = Pace(Time(clock=lambda: sleeper.now, sleep=interrupt))
    pace.slow_down(RATE)
    with pytest.raises(KeyboardInterrupt):
        pace.wait(RATE)
    sleeper.now += INTERVAL

    assert pace.wait(RATE) == 0.0


def test_all_threads_share_the_pace_of_a_key_at_a_service() -> None:
    barrier = Barrier(16)

    def ask(_number: int) -> Pace:
        barrier.wait()
        return pace_of("http://127.0.0.1:1/v1", "sk-admin-shared")

    with ThreadPoolExecutor(16) as pool:
        paces = set(map(id, pool.map(ask, range(16))))

    assert len(paces) == 1
    assert id(pace_of("http://127.0.0.1:2/v1", "sk-admin-shared")) not in paces
    assert id(pace_of("http://127.0.0.1:1/v1", "sk-admin-other")) not in paces
