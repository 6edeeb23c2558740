from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import WALL, FakeClock, SharedFakeClock

from pulumi_openai_ft._client.rate_limit import INTERVAL, MINUTE, RateLimiter, limiter_of
from pulumi_openai_ft._shared.clock import TimeSource


def waits(limiter: RateLimiter, clock: FakeClock, number: int = 1) -> list[float]:
    """Return how many seconds each of some requests waits."""
    starts = [clock.now]
    for _ in range(number):
        limiter.wait()
        starts.append(clock.now)
    return [after - before for before, after in pairwise(starts)]


def test_requests_do_not_wait_before_throttling() -> None:
    clock = FakeClock(WALL)

    assert waits(RateLimiter(clock.time), clock, 20) == [0] * 20
    assert clock.pauses == []


def test_throttled_requests_are_sent_six_per_minute() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)

    limiter.throttle()

    assert waits(limiter, clock, 5) == [10] * 5


def test_idle_time_does_not_allow_a_burst() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)
    limiter.throttle()
    clock.now += 50

    assert waits(limiter, clock, 2) == [0, INTERVAL]


def test_requests_wait_for_retry_after() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)

    limiter.throttle(retry_after=42)

    assert waits(limiter, clock) == [42]


def test_retry_after_is_limited_to_two_minutes() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)

    limiter.throttle(retry_after=86400)

    assert waits(limiter, clock) == [120]


def test_simultaneous_throttling_counts_once() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)

    for _ in range(64):
        limiter.throttle()

    assert waits(limiter, clock) == [INTERVAL]


def test_throttling_never_shortens_an_earlier_retry_after() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)
    limiter.throttle(retry_after=42)

    limiter.throttle()

    assert waits(limiter, clock) == [42]


def test_throttling_ends_after_a_quiet_minute() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)
    limiter.throttle()
    clock.now += MINUTE

    assert waits(limiter, clock, 20) == [0] * 20


def test_throttling_again_restarts_the_minute() -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)
    limiter.throttle()
    clock.now += MINUTE - 1
    limiter.throttle()
    clock.now += MINUTE - 1

    assert waits(limiter, clock, 2) == [0, INTERVAL]


@given(st.lists(st.floats(0, 30), max_size=40), st.floats(0, 120))
def test_throttled_requests_are_at_least_one_interval_apart(gaps: list[float], retry_after: float) -> None:
    clock = FakeClock(WALL)
    limiter = RateLimiter(clock.time)
    limiter.throttle(retry_after)
    quiet_from = clock.now + MINUTE
    sent = []
    for gap in gaps:
        clock.now += gap
        if clock.now >= quiet_from:
            break
        limiter.wait()
        sent.append(clock.now)

    assert all(later - earlier >= INTERVAL - 1e-6 for earlier, later in pairwise(sent))


def test_threads_wait_in_order_until_queue_is_empty() -> None:
    """Check that threads still queued after a quiet minute are not released all at once."""
    futures = []

    with ThreadPoolExecutor(20) as pool, SharedFakeClock() as clock:
        limiter = RateLimiter(clock.time)
        limiter.throttle()

        def sent_at() -> float:
            limiter.wait()
            return clock.now - WALL

        for number in range(20):
            futures.append(pool.submit(sent_at))
            clock.await_sleepers(number + 1)
        for future in futures:
            clock.advance(INTERVAL)
            future.result(timeout=10)

    assert [future.result() for future in futures] == [INTERVAL * (number + 1) for number in range(20)]


def test_request_after_quiet_minute_waits_behind_queue() -> None:
    with ThreadPoolExecutor(2) as pool, SharedFakeClock() as clock:
        limiter = RateLimiter(clock.time)
        limiter.throttle(retry_after=100)

        def sent_at() -> float:
            limiter.wait()
            return clock.now - WALL

        first = pool.submit(sent_at)
        clock.await_sleepers(1)
        clock.advance(MINUTE + 10)
        last = pool.submit(sent_at)
        clock.await_sleepers(2)
        for future, seconds in ((first, 30), (last, INTERVAL)):
            clock.advance(seconds)
            future.result(timeout=10)

    assert (first.result(), last.result()) == (100, 100 + INTERVAL)


def test_throttling_delays_requests_already_waiting() -> None:
    clock = FakeClock(WALL)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.pauses) == 1:
            limiter.throttle(retry_after=100)

    limiter = RateLimiter(TimeSource(clock=lambda: clock.now, sleep=sleep))
    limiter.throttle()

    assert waits(limiter, clock) == [INTERVAL + 100]


def test_interrupted_request_leaves_the_queue() -> None:
    clock, interruptions = (
        FakeClock(WALL),
        [KeyboardInterrupt(), AssertionError("waits for a request that has ended")],
    )

    def interrupt(_seconds: float) -> None:
        raise interruptions.pop(0)

    limiter = RateLimiter(TimeSource(clock=lambda: clock.now, sleep=interrupt))
    limiter.throttle()
    with pytest.raises(KeyboardInterrupt):
        limiter.wait()
    clock.now += INTERVAL

    assert waits(limiter, clock) == [0]


def test_threads_share_one_limiter_per_key_and_service() -> None:
    barrier = Barrier(16)

    def get_limiter(_number: int) -> RateLimiter:
        barrier.wait()
        return limiter_of("http://127.0.0.1:1/v1", "sk-admin-shared")

    with ThreadPoolExecutor(16) as pool:
        limiters = set(map(id, pool.map(get_limiter, range(16))))

    assert len(limiters) == 1
    assert id(limiter_of("http://127.0.0.1:2/v1", "sk-admin-shared")) not in limiters
    assert id(limiter_of("http://127.0.0.1:1/v1", "sk-admin-other")) not in limiters
