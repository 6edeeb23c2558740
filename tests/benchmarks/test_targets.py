from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from benchmarks.suite import SUITE
from benchmarks.targets import (
    RATIO,
    REQUESTS,
    RESULTS,
    SECONDS_MORE,
    SECTIONS,
    SPEED,
    TARGETS,
    Comparison,
    Target,
    conditions,
    highlights,
    table,
)

from benchmarks import command

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PAGE = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
FOUND = json.loads(RESULTS.read_text("utf-8"))


def section(heading: str) -> str:
    (found,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_page_shows_the_latest_results(heading: str) -> None:
    assert f"\n\n{table(SECTIONS[heading], FOUND)}\n\n" in section(heading)


def test_the_page_states_date_and_machine() -> None:
    assert conditions(FOUND) in PAGE


def test_the_readme_shows_three_results() -> None:
    sentences = highlights(FOUND)

    assert len(sentences) == 3
    assert "\n".join(f"- {sentence}" for sentence in sentences) in README


def test_commands_of_the_page_measure_each_benchmark() -> None:
    commands = re.findall(r"^python -m benchmarks( .*)$", PAGE, re.MULTILINE)
    measured = {name for line in commands for name in command._parser().parse_args(shlex.split(line)).names}

    assert measured == SUITE.keys()


def test_each_target_is_listed_once() -> None:
    listed = [(target.benchmark, target.series, target.size) for target in TARGETS]

    assert len(set(listed)) == len(listed)


def test_limits_are_those_of_the_benchmarks() -> None:
    limits = {
        (target.measurement, limit) for target in TARGETS if (limit := limit_of_benchmark(target)) is not None
    }

    assert len(limits) == 14
    assert limits == {
        (target.measurement, target.limit) for target in TARGETS if target.benchmark != "overhead"
    }


def limit_of_benchmark(target: Target) -> float | None:
    """Return the limit that `make bench` checks: the ratio to the baseline, or the overhead over it."""
    at_most = target.found(FOUND)[0]["at_most"]
    if at_most is None:
        return None
    if target.comparison is REQUESTS:
        return round(at_most * (target.size or 0), 9)
    return round(1 / at_most if target.comparison is SPEED else at_most, 9)


@pytest.mark.parametrize(("comparison", "found"), [(RATIO, 0.0), (SECONDS_MORE, -2.0), (REQUESTS, 0.0)])
def test_a_measurement_of_zero_has_a_result(comparison: Comparison, found: float) -> None:
    target = Target("loading", "import", "its names", None, comparison, 0.40)
    point = {"size": None, "ours": [0.0], "peer": [2.0]}

    assert target.figures({"benchmarks": {"import": [{"what": "its names", "points": [point]}]}}) == [found]


@pytest.mark.parametrize(("comparison", "met"), [(RATIO, [True, True, False]), (SPEED, [False, True, True])])
def test_a_result_meets_its_limit_or_not(comparison: Comparison, met: list[bool]) -> None:
    target = Target("work", "any", "any", None, comparison, 1.0)

    assert [target.is_met(result) for result in (0.9, 1.0, 1.1)] == met


def test_a_row_shows_speeds_result_range_and_target() -> None:
    target = Target("work", "uploads", "parts", 300, SPEED, 0.9)
    point = {"size": 300, "ours": [2.0, 3.0, 2.5], "peer": [1.0, 1.5, 1.0]}
    series = {"what": "parts", "unit": "s", "points": [point]}

    *_, row = table([target], {"benchmarks": {"uploads": [series]}}).splitlines()

    assert row == "| work | 120 MB/s | 300 MB/s | 0.50 times | 0.40 … 0.50 | at least 0.90 times | no |"
