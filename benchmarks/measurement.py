"""Samples, taken in turns, and the figures that follow from them."""

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
    """What follows from a sample of ours and the peer's of the same run."""

    RATIO = "ratio"
    """Ours ÷ peer: what slows the machine for a while slows both of a pair."""
    BEYOND = "beyond"
    """Ours minus the peer, where ours waits for something besides, or the peer's may be nothing."""

    def of(self, ours: float, peer: float) -> float:
        """The figure of one pair."""
        return ours - peer if self is Figure.BEYOND else ours / peer


@dataclass(frozen=True)
class Point:
    """Samples of one size.

    Attributes:
        size: Size of the work, None where it has none.
        ours: One sample for each run.
        peer: The peer's, each taken right before or after ours of the same run.
    """

    size: int | None
    ours: tuple[float, ...]
    peer: tuple[float, ...]

    def figures(self, figure: Figure) -> list[float]:
        """The figure of each run."""
        return [figure.of(ours, peer) for ours, peer in zip(self.ours, self.peer, strict=True)]


@dataclass(frozen=True)
class Series:
    """One thing that was measured, at each size.

    Attributes:
        what: Name of what was measured.
        unit: Unit of the samples.
        ours: What `Point.ours` is about.
        peer: What `Point.peer` is about.
        points: The samples, sizes ascending.
        figure: What is told of them.
        at_most: What the figure is to stay below, if anything.
    """

    what: str
    unit: str
    ours: str
    peer: str
    points: tuple[Point, ...]
    figure: Figure = Figure.RATIO
    at_most: float | None = None

    def median(self, point: Point) -> float:
        """The figure of one size: the median of its runs'."""
        return median(point.figures(self.figure))

    def growth(self) -> tuple[float, float] | None:
        """Exponents k with which ours and the peer grow as size^k; None with fewer than two sizes.

        What does not grow, such as a start, counts too: at small sizes k is too small.
        """
        sized = [point for point in self.points if point.size is not None]
        if len(sized) < 2:  # noqa: PLR2004 - two points make a line
            return None
        sizes = [point.size or 0 for point in sized]
        return (
            exponent(sizes, [median(point.ours) for point in sized]),
            exponent(sizes, [median(point.peer) for point in sized]),
        )


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The k for which size^k fits the values best: the slope of the regression line on logarithmic axes."""
    return linear_regression([log(size) for size in sizes], [log(value) for value in values]).slope


def in_turns(
    candidates: Mapping[str, Callable[[], Sample]], runs: int, tell: Callable[[str], None]
) -> dict[str, list[Sample]]:
    """Gives each candidate its turn, then each again: A B A B rather than A A B B."""
    samples: dict[str, list[Sample]] = {name: [] for name in candidates}
    for run in range(1, runs + 1):
        for name, take in candidates.items():
            tell(f"run {run} of {runs}, {name}")
            samples[name].append(take())
    return samples
