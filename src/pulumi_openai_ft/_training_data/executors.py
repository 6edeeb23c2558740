"""Executors for work that releases the interpreter lock, such as reading, hashing and counting tokens."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SMALL = 256 * 2**10
"""File size in bytes below which starting a thread takes longer than it saves."""

Result = TypeVar("Result")


class Worker(Protocol):
    """An executor that runs calls sequentially, in the order of submission."""

    def submit(self, fn: Callable[..., Result], /, *args: Any) -> Future[Result]:
        """Schedule a call."""


class InlineExecutor:
    """An executor that runs each call immediately, in the calling thread."""

    def submit(self, fn: Callable[..., Result], /, *args: Any) -> Future[Result]:
        """Run a call and return its completed future."""
        future: Future[Result] = Future()
        future.set_result(fn(*args))
        return future


@contextmanager
def worker(size: int) -> Iterator[Worker]:
    """Yield an executor for a file of `size` bytes. On exit, calls that have not started are cancelled."""
    if size < SMALL:
        yield InlineExecutor()
        return
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="openai-ft-training-data")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
