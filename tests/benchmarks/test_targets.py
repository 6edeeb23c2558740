from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from benchmarks.targets import RESULTS, TARGETS, Target, table

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_the_last_full_run() -> None:
    assert table(json.loads(RESULTS.read_text("utf-8"))) in README.read_text("utf-8")


def test_each_target_is_listed_once() -> None:
    told = [(target.benchmark, target.series, target.size) for target in TARGETS]

    assert len(set(told)) == len(told)


@pytest.mark.parametrize(("shown", "found"), [("ratio", 0.0), ("beyond", -2.0), ("ours", 0.0)])
def test_an_instant_benchmark_has_a_figure(shown: Literal["ratio", "beyond", "ours"], found: float) -> None:
    target = Target("loading", "import", "its names", None, "≤ 0.40", shown)
    point = {"size": None, "ours": [0.0], "peer": [2.0]}

    assert target.figures({"benchmarks": {"import": [{"what": "its names", "points": [point]}]}}) == [found]
