"""Report of the results, as a table and as JSON."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measurement import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.benchmark import Plan
    from benchmarks.measurement import Point, Series

Row = tuple[str, ...]
HEADER: Row = ("measurement", "size", "package", "baseline", "ratio", "range", "limit")
LEGEND = (
    "ratio: package ÷ baseline, or, with a sign, package - baseline. This is the median of the runs, which alternate\n"
    "between package and baseline; the next columns are the range of the runs and the limit.\n"
    "growth: the k of size^k that fits best. Constant costs, such as starting a process, make it smaller."
)


@dataclass(frozen=True)
class Report:
    """The results of a run of benchmarks.

    Attributes:
        plan: Parameters of the benchmarks.
        figures: Series by benchmark.
        versions: Versions of the measured packages and programs by name.
    """

    plan: Plan
    figures: dict[str, list[Series]]
    versions: dict[str, str]

    def table(self) -> str:
        """Return a table of all results with a legend."""
        series = [(name, one) for name, found in self.figures.items() for one in found]
        rows = [HEADER, *(row for name, one in series for row in _rows(name, one))]
        peers = dict.fromkeys(f"{name}: package: {one.package}; baseline: {one.peer}" for name, one in series)
        return "\n".join([*_aligned(rows), "", *peers, LEGEND, self._conditions()])

    def write(self, file: Path) -> None:
        """Write all results and samples as JSON. An existing file is replaced only after everything is written."""
        draft = file.with_name(f"{file.name}.tmp")
        try:
            draft.write_text(json.dumps(self._as_json(), indent=2) + "\n")
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)

    def _as_json(self) -> dict[str, Any]:
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": {
                "cores": os.cpu_count(),
                "system": platform.system(),
                "processor": platform.machine(),
            },
            "runs": self.plan.runs,
            "versions": self._all_versions(),
            "benchmarks": {
                name: [_series_as_json(one) for one in found] for name, found in self.figures.items()
            },
        }

    def _all_versions(self) -> dict[str, str]:
        own = "pulumi-openai-ft"
        return {own: version(own), "Python": platform.python_version(), **self.versions}

    def _conditions(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self._all_versions().items())
        return f"runs: {self.plan.runs}; cores: {os.cpu_count()}; {versions}"


def _rows(benchmark: str, series: Series) -> list[Row]:
    names = [f"{benchmark}: {series.name} [{series.unit}]", *[""] * (len(series.points) - 1)]
    rows = [_row(name, series, point) for name, point in zip(names, series.points, strict=True)]
    if growth := series.growth():
        package, peer = growth
        rows.append(("  growth", "", f"n^{package:.2f}", f"n^{peer:.2f}", "", "", ""))
    return rows


def _row(name: str, series: Series, point: Point) -> Row:
    def formatted(value: float) -> str:
        return f"{value:+.2f}" if series.figure is Figure.BEYOND else f"{value:.2f}"

    size, figures = "" if point.size is None else str(point.size), point.figures(series.figure)
    spread = f"{formatted(min(figures))} … {formatted(max(figures))}"
    found, limit = series.median(point), series.at_most
    bound = "" if limit is None else formatted(limit) + (" exceeded" if found > limit else "")
    return (
        name,
        size,
        rounded(median(point.package)),
        rounded(median(point.peer)),
        formatted(found),
        spread,
        bound,
    )


def rounded(value: float) -> str:
    """Return a value with three significant digits."""
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"  # noqa: PLR2004 - three digits


def _aligned(rows: list[Row]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        ).rstrip()
        for row in rows
    ]


def _series_as_json(series: Series) -> dict[str, Any]:
    growth = series.growth()
    return {
        "what": series.name,
        "unit": series.unit,
        "ours": series.package,
        "peer": series.peer,
        "at_most": series.at_most,
        "growth": None if growth is None else [round(one, 3) for one in growth],
        "points": [_point_as_json(series, point) for point in series.points],
    }


def _point_as_json(series: Series, point: Point) -> dict[str, Any]:
    return {
        "size": point.size,
        series.figure.value: round(series.median(point), 3),
        "ours": [round(sample, 4) for sample in point.package],
        "peer": [round(sample, 4) for sample in point.peer],
    }
