"""Compare results with their targets: `python -m benchmarks.targets` prints the lines of the README and the tables of docs/benchmarks.md."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.report import rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RESULTS = Path(__file__).with_name("results.json")
COLUMNS = ("measurement", "this package", "baseline", "result", "range", "target", "met")
UNITS = {"cpu s": "s of CPU time"}
"""Units of results in words, where they differ."""


@dataclass(frozen=True)
class Comparison:
    """Compares this package with its baseline.

    Attributes:
        result: Takes the two samples of a run.
        number: Format of the result.
        unit: Unit of the result.
        is_speed: Whether samples are seconds and the result is a ratio of speeds: the higher, the better.
    """

    result: Callable[[float, float], float]
    number: str
    unit: str
    is_speed: bool = False

    def formatted(self, result: float) -> str:
        """Return a result with its unit."""
        return f"{result:{self.number}} {self.unit}"


RATIO = Comparison(lambda package, baseline: package / baseline, ".2f", "times")
SPEED = Comparison(lambda package, baseline: baseline / package, ".2f", "times", is_speed=True)
SECONDS_MORE = Comparison(lambda package, baseline: package - baseline, "+.2f", "s")
MEGABYTES_MORE = Comparison(lambda package, baseline: package - baseline, "+.2f", "MB")
REQUESTS = Comparison(lambda package, _baseline: package, ".0f", "requests")


class Target(NamedTuple):
    """A measurement with the limit of its result.

    Attributes:
        measurement: Name of the measurement, for users.
        benchmark: Name of the benchmark in the results.
        series: Name of the series in the benchmark.
        size: Size of the work, megabytes for speeds; None if the series has a single point.
        comparison: Computation of the result from the samples.
        limit: Lowest result of a speed, highest result of everything else.
        highlight: Sentence for the README with a place for the result.
    """

    measurement: str
    benchmark: str
    series: str
    size: int | None
    comparison: Comparison
    limit: float
    highlight: str = ""

    def found(self, results: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the series and its point in the results."""
        (series,) = (one for one in results["benchmarks"][self.benchmark] if one["what"] == self.series)
        (point,) = (one for one in series["points"] if one["size"] == self.size)
        return series, point

    def figures(self, results: dict[str, Any]) -> list[float]:
        """Return the result of each run."""
        _, point = self.found(results)
        return [self.comparison.result(*pair) for pair in zip(point["ours"], point["peer"], strict=True)]

    def is_met(self, figure: float) -> bool:
        """Return whether a result keeps the limit."""
        return figure >= self.limit if self.comparison.is_speed else figure <= self.limit


SECTIONS = {
    "Many resources": (
        Target(
            "`pulumi preview` without changes, 500 files",
            "overhead",
            "no-change preview, our host",
            500,
            RATIO,
            1.10,
            "A preview without changes of 500 files takes **{}** as long as with a provider that does nothing.",
        ),
        Target("`pulumi up` that creates 500 files", "overhead", "up, our host", 500, RATIO, 1.25),
    ),
    "Start of a command": (
        Target("start of the host", "host", "until the port is said", None, RATIO, 1.30),
        Target("import of all names of this package", "import", "its names", None, RATIO, 0.40),
    ),
    "Waiting for jobs": (
        Target(
            "`pulumi up` of 64 jobs that train for 2 s at the same time",
            "waiting",
            "up of jobs of 2 s, our host",
            64,
            SECONDS_MORE,
            2.6,
        ),
        Target(
            "a poll while 250 jobs wait for their training",
            "polling",
            "an interval's requests, before training",
            250,
            REQUESTS,
            3,
            "While 250 jobs wait for their training, each poll of all of them takes **{}**.",
        ),
        Target(
            "a poll while 250 jobs train, with the events of four jobs",
            "polling",
            "an interval's requests, in training, with events",
            250,
            REQUESTS,
            7,
        ),
    ),
    "Uploads": (
        Target(
            "300 MB in one request, service on the same machine",
            "uploads",
            "one piece, our host, to an httpx stream",
            300,
            SPEED,
            0.9,
        ),
        Target(
            "300 MB in one request, line of 4 Gbit/s",
            "uploads",
            "one piece, our host at 500 MB/s, to an httpx stream",
            300,
            SPEED,
            0.9,
        ),
        Target(
            "2 GB in parts, service on the same machine",
            "uploads",
            "parts, our host, to an httpx stream",
            2000,
            SPEED,
            0.9,
        ),
        Target(
            "2 GB in parts, line of 4 Gbit/s",
            "uploads",
            "parts, our host at 500 MB/s, to an httpx stream",
            2000,
            SPEED,
            0.9,
            "Over a line of 4 Gbit/s, a file of 2 GB uploads at **{}** the speed of plain httpx.",
        ),
        Target(
            "memory of the host during an upload of 2 GB",
            "uploads",
            "parts, our host: peak memory",
            2000,
            MEGABYTES_MORE,
            48,
        ),
    ),
    "Training data": (
        Target(
            "check and count tokens of 256 MB, one core",
            "training data",
            "check and count, 1 core",
            256,
            SPEED,
            5,
        ),
        Target(
            "check and count tokens of 256 MB, two cores",
            "training data",
            "check and count, 2 cores",
            256,
            SPEED,
            8,
        ),
        Target(
            "check 256 MB, one core",
            "training data",
            "check and estimate, 1 core",
            256,
            SPEED,
            0.5,
        ),
        Target(
            "check 256 MB, two cores",
            "training data",
            "check and estimate, 2 cores",
            256,
            SPEED,
            0.7,
        ),
    ),
}
"""Targets by the heading of their section in docs/benchmarks.md."""
TARGETS = tuple(target for targets in SECTIONS.values() for target in targets)


def table(targets: Sequence[Target], results: dict[str, Any]) -> str:
    """Return a Markdown table of targets with the median and the range of all runs.

    Args:
        targets: Rows of the table.
        results: Content of results.json.
    """
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_row(target, results) for target in targets)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def highlights(results: dict[str, Any]) -> list[str]:
    """Return the sentences of the README."""
    return [
        target.highlight.format(target.comparison.formatted(median(target.figures(results))))
        for target in TARGETS
        if target.highlight
    ]


def conditions(results: dict[str, Any]) -> str:
    """Return the sentence on date, runs and machine."""
    machine, python = results["machine"], results["versions"]["Python"]
    return (
        f"Measured on {results['date']} in {results['runs']} runs, on {machine['system']} with {machine['cores']} "
        f"cores and Python {python}."
    )


def _row(target: Target, results: dict[str, Any]) -> tuple[str, ...]:
    series, point = target.found(results)
    comparison, figures = target.comparison, target.figures(results)
    middle = median(figures)
    return (
        target.measurement,
        *(_sample(target, point[candidate], series["unit"]) for candidate in ("ours", "peer")),
        comparison.formatted(middle),
        f"{min(figures):{comparison.number}} … {max(figures):{comparison.number}}",
        f"at {'least' if comparison.is_speed else 'most'} {comparison.formatted(target.limit)}",
        "yes" if target.is_met(middle) else "no",
    )


def _sample(target: Target, samples: list[float], unit: str) -> str:
    middle = median(samples)
    if target.comparison.is_speed and target.size:
        return f"{rounded(target.size / middle)} MB/s"
    return f"{rounded(middle)} {UNITS.get(unit, unit)}"


def _document(results: dict[str, Any]) -> Iterator[str]:
    yield "\n".join(f"- {sentence}" for sentence in highlights(results))
    yield conditions(results)
    for heading, targets in SECTIONS.items():
        yield f"## {heading}\n\n{table(targets, results)}"


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(_document(json.loads(RESULTS.read_text()))) + "\n")
