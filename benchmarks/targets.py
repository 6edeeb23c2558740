"""What the package is to reach, beside what a run has found: `python -m benchmarks.targets` prints it for the README."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

RESULTS = Path(__file__).with_name("results.json")
HEADER = "| measured, ours to a peer | to be reached | found | in the runs |\n| --- | --- | --- | --- |"


class Target(NamedTuple):
    """What is to be reached.

    Attributes:
        text: What is measured.
        benchmark: Under which name.
        series: Which of its series.
        size: At which size; None where there is but one.
        bound: What is to be reached, in words.
        shown: How it is told: ours ÷ peer, ours minus peer, peer ÷ ours, or ours alone.
        unit: What follows the figure.
    """

    text: str
    benchmark: str
    series: str
    size: int | None
    bound: str
    shown: Literal["ratio", "beyond", "speed", "ours"]
    unit: str = ""

    def figures(self, results: dict[str, Any]) -> list[float]:
        """What was found in each run."""
        (series,) = [one for one in results["benchmarks"][self.benchmark] if one["what"] == self.series]
        (point,) = [one for one in series["points"] if one["size"] == self.size]
        return [self._figure(*pair) for pair in zip(point["ours"], point["peer"], strict=True)]

    def _figure(self, ours: float, peer: float) -> float:
        match self.shown:
            case "ratio":
                return ours / peer
            case "beyond":
                return ours - peer
            case "speed":
                return peer / ours
            case "ours":
                return ours


TARGETS = (
    Target(
        "preview without change, 500 resources ÷ a provider that does nothing",
        "overhead",
        "no-change preview, our host",
        500,
        "≤ 1.10",
        "ratio",
    ),
    Target(
        "`up` of 500 resources ÷ a provider that does nothing",
        "overhead",
        "up, our host",
        500,
        "≤ 1.25",
        "ratio",
    ),
    Target("start of the host ÷ Pulumi's own", "host", "until the port is said", None, "≤ 1.30", "ratio"),
    Target("import of all names ÷ `import pulumi`", "import", "its names", None, "≤ 0.40", "ratio"),
    Target(
        "64 jobs of 2 s at a time, beyond a provider that does nothing",
        "waiting",
        "up of jobs of 2 s, our host",
        64,
        "≤ +2.6 s",
        "beyond",
        " s",
    ),
    Target(
        "requests an interval while 250 jobs wait",
        "polling",
        "an interval's requests, before training",
        250,
        "≤ 3",
        "ours",
    ),
    Target(
        "the same while they train, with four jobs' events",
        "polling",
        "an interval's requests, in training, with events",
        250,
        "≤ 7",
        "ours",
    ),
    Target(
        "growth of the host's memory while it uploads 2 GB",
        "uploads",
        "parts, our host: peak memory",
        2000,
        "≤ 48 MB",
        "beyond",
        " MB",
    ),
    Target(
        "speed of uploading 300 MB ÷ bare httpx, to a sink that only counts",
        "uploads",
        "one piece, our host, to an httpx stream",
        300,
        "≥ 0.9",
        "speed",
    ),
    Target(
        "the same over a line of 4 Gbit/s",
        "uploads",
        "one piece, our host at 500 MB/s, to an httpx stream",
        300,
        "≥ 0.9",
        "speed",
    ),
    Target(
        "speed of uploading 2 GB ÷ bare httpx, to a sink that only counts",
        "uploads",
        "parts, our host, to an httpx stream",
        2000,
        "≥ 0.9",
        "speed",
    ),
    Target(
        "the same over a line of 4 Gbit/s",
        "uploads",
        "parts, our host at 500 MB/s, to an httpx stream",
        2000,
        "≥ 0.9",
        "speed",
    ),
    Target(
        "speed of checking, hashing and counting 256 MB ÷ `json` and `tiktoken`, on one core",
        "training data",
        "check and count, 1 core",
        256,
        "≥ 5",
        "speed",
    ),
    Target("the same, ours on two cores", "training data", "check and count, 2 cores", 256, "≥ 8", "speed"),
    Target(
        "speed of checking and hashing 256 MB ÷ parsing alone, on one core",
        "training data",
        "check and estimate, 1 core",
        256,
        "≥ 0.5",
        "speed",
    ),
    Target(
        "the same, ours on two cores", "training data", "check and estimate, 2 cores", 256, "≥ 0.7", "speed"
    ),
)


def table(results: dict[str, Any]) -> str:
    """All targets and what was found, in Markdown: the median of the runs, the least and the greatest.

    Args:
        results: What a run of all benchmarks has written.
    """
    return "\n".join([HEADER, *(_row(target, results) for target in TARGETS)])


def _row(target: Target, results: dict[str, Any]) -> str:
    figures = target.figures(results)
    form = "+.2f" if target.shown == "beyond" else ".0f" if target.shown == "ours" else ".2f"
    least, found, most = (f"{one:{form}}" for one in (min(figures), median(figures), max(figures)))
    return f"| {target.text} | {target.bound} | {found}{target.unit} | {least} … {most} |"


if __name__ == "__main__":
    sys.stdout.write(f"{table(json.loads(RESULTS.read_text()))}\n")
