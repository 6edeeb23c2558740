from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._provider.upload.worker_pool import StoppedError, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 10.0


def nothing() -> None:
    pass


def start_pool(
    work: Callable[[int], None], pieces: int, threads: int = 2, end: Callable[[], None] = nothing
) -> WorkerPool:
    made = WorkerPool(work, threads, end)
    made.start()
    for number in range(pieces):
        made.add(number)
    return made


def test_each_piece_is_done_once() -> None:
    done: list[int] = []

    start_pool(done.append, 50, 4).wait(nothing)

    assert sorted(done) == list(range(50))


def test_no_pieces_are_done_at_once() -> None:
    start_pool(lambda _number: None, 0).wait(nothing)


def test_a_piece_starts_as_soon_as_it_is_added() -> None:
    done = Event()
    at_work = start_pool(lambda _number: done.set(), 0)

    at_work.add(1)

    assert done.wait(LONG)
    at_work.wait(nothing)


def test_several_pieces_are_done_at_a_time() -> None:
    here = [Event(), Event()]

    def meet(number: int) -> None:
        here[number].set()
        assert here[1 - number].wait(LONG)

    start_pool(meet, 2).wait(nothing)


def test_a_failure_ends_the_wait_despite_hanging_pieces() -> None:
    go = Event()

    def work(number: int) -> None:
        if number == 0:
            raise InterruptedError("the first")
        go.wait(LONG)

    at_work = start_pool(work, 9)
    with pytest.raises(InterruptedError, match="the first"):
        at_work.wait(nothing)
    go.set()


def test_an_error_seen_by_the_waiter_ends_the_wait() -> None:
    go = Event()

    def fail() -> None:
        raise InterruptedError("by the user")

    def work(_number: int) -> None:
        go.wait(LONG)

    at_work = start_pool(work, 2)
    with pytest.raises(InterruptedError, match="by the user"):
        at_work.wait(fail)
    go.set()


def test_a_stopped_worker_starts_nothing_and_ends() -> None:
    begun, go, ended = Event(), Event(), Event()
    done: list[int] = []
    kept: list[int] = []

    def work(number: int) -> None:
        done.append(number)
        begun.set()
        go.wait(LONG)
        at_work.record(lambda: kept.append(number))

    at_work = start_pool(work, 9, 1, ended.set)
    begun.wait(LONG)
    at_work.stop()
    with pytest.raises(StoppedError):
        at_work.raise_if_stopped()
    go.set()

    assert ended.wait(LONG)
    assert (done, kept) == ([0], [])
