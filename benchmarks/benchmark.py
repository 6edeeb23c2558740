"""What a benchmark is, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measurement import Series

DEFAULT_SIZES = (20, 100, 500)
DEFAULT_RUNS = 3
DEFAULT_DATA = (16, 64, 256)
DEFAULT_UPLOADS = (300, 2000)


class BenchmarkError(Exception):
    """A benchmark cannot be run; the text says why and what to do."""


def _quiet(_step: str) -> None:
    pass


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        sizes: Numbers of resources, ascending.
        runs: How often each candidate has its turn.
        data: Megabytes of training data, ascending.
        uploads: Megabytes of files that are uploaded, ascending.
        tell: Takes a line on what runs now.
    """

    sizes: tuple[int, ...] = DEFAULT_SIZES
    runs: int = DEFAULT_RUNS
    data: tuple[int, ...] = DEFAULT_DATA
    uploads: tuple[int, ...] = DEFAULT_UPLOADS
    tell: Callable[[str], None] = _quiet


class Benchmark(Protocol):
    """A module that measures one thing against its peers. The first line of its docstring says what."""

    __doc__: str | None

    def measure(self, plan: Plan) -> list[Series]:
        """Measures.

        Raises:
            BenchmarkError: It cannot be measured here, or a run failed.
        """

    def versions(self) -> dict[str, str]:
        """Versions of what the figures depend on, the peers above all."""
