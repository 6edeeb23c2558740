"""Samples of this package and of its baselines, and the results that are computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import log
from statistics import linear_regression, median
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Sample = TypeVar("Sample")


class Figure(Enum):
    """The result of a run, computed from a sample of this package and a sample of the baseline."""

    RATIO = "ratio"
    """This package ÷ baseline. A temporary slowdown of the machine affects both samples."""
    BEYOND = "beyond"
    """This package - baseline, if this package also waits for something, or if the baseline can be 0."""

    def of(self, package: float, peer: float) -> float:
        """Return the result of a pair of samples."""
        return package - peer if self is Figure.BEYOND else package / peer


@dataclass(frozen=True)
class Point:
    """The samples of a size.

    Attributes:
        size: Size of the work, or None if the work has no size.
        package: Samples of this package, in the order of the runs.
        peer: Samples of the baseline. Each was taken directly before or after the sample in `package`.
    """

    size: int | None
    package: tuple[float, ...]
    peer: tuple[float, ...]

    def figures(self, figure: Figure) -> list[float]:
        """Return the result of each run."""
        return [figure.of(package, peer) for package, peer in zip(self.package, self.peer, strict=True)]


@dataclass(frozen=True)
class Series:
    """A measurement at several sizes.

    Attributes:
        name: Name of the measurement.
        unit: Unit of the samples.
        package: Name of the candidate of `Point.package`.
        peer: Name of the baseline of `Point.peer`.
        points: Samples by ascending size.
        figure: Kind of the result.
        at_most: Limit of the result, or None.
    """

    name: str
    unit: str
    package: str
    peer: str
    points: tuple[Point, ...]
    figure: Figure = Figure.RATIO
    at_most: float | None = None

    def median(self, point: Point) -> float:
        """Return the result of a size: the median of the results of its runs."""
        return median(point.figures(self.figure))

    def growth(self) -> tuple[float, float] | None:
        """Return the exponents k with which this package and the baseline grow as size^k, or None for a single size.

        Constant costs, such as starting a process, are included: with small sizes, k is too small.
        """
        sized = [point for point in self.points if point.size is not None]
        if len(sized) < 2:  # noqa: PLR2004 - two points make a line
            return None
        sizes = [point.size or 0 for point in sized]
        return (
            exponent(sizes, [median(point.package) for point in sized]),
            exponent(sizes, [median(point.peer) for point in sized]),
        )


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """Return the k for which size^k fits the values best: the slope of the regression line on logarithmic axes."""
    return linear_regression([log(size) for size in sizes], [log(value) for value in values]).slope


def in_turns(
    candidates: Mapping[str, Callable[[], Sample]], runs: int, on_step: Callable[[str], None]
) -> dict[str, list[Sample]]:
    """Take samples of all candidates alternately, as A B A B and not as A A B B."""
    samples: dict[str, list[Sample]] = {name: [] for name in candidates}
    for run in range(1, runs + 1):
        for name, take in candidates.items():
            on_step(f"run {run} of {runs}, {name}")
            samples[name].append(take())
    return samples
