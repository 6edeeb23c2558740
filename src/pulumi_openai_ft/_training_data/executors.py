"""Work that does not hold the interpreter's lock, done beside the thread that does."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = 256 * 2**10
"""Bytes below which starting threads costs more than they gain."""

Made = TypeVar("Made")


class Worker(Protocol):
    """Does one thing after the other."""

    def submit(self, fn: Callable[..., Made], /, *args: Any) -> Future[Made]:
        """Has something done."""


class InlineExecutor:
    """Does everything at once, in the thread that asks."""

    def submit(self, fn: Callable[..., Made], /, *args: Any) -> Future[Made]:
        """Does it."""
        done: Future[Made] = Future()
        done.set_result(fn(*args))
        return done


@contextmanager
def worker(size: int) -> Iterator[Worker]:
    """A worker for a file of so many bytes. What it was given and has not begun is dropped at the end."""
    if size < SMALL:
        yield InlineExecutor()
        return
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="openai-ft-training-data")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
