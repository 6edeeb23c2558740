"""Interface of a benchmark, and its parameters."""

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
    """A benchmark cannot be run. The message states the reason and the next step."""


def _quiet(_step: str) -> None:
    pass


@dataclass(frozen=True)
class Plan:
    """The parameters of a benchmark.

    Attributes:
        sizes: Numbers of resources, ascending.
        runs: Number of runs of each candidate.
        data: Sizes of training files in megabytes, ascending.
        uploads: Sizes of uploaded files in megabytes, ascending.
        on_step: Called with a description of the current step.
    """

    sizes: tuple[int, ...] = DEFAULT_SIZES
    runs: int = DEFAULT_RUNS
    data: tuple[int, ...] = DEFAULT_DATA
    uploads: tuple[int, ...] = DEFAULT_UPLOADS
    on_step: Callable[[str], None] = _quiet


class Benchmark(Protocol):
    """A module that measures this package and its baselines. The first line of its docstring is its description."""

    __doc__: str | None

    def measure(self, plan: Plan) -> list[Series]:
        """Run the benchmark and return its series.

        Raises:
            BenchmarkError: This machine cannot run the benchmark, or a run failed.
        """

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages and programs that affect the results, such as the baselines."""
