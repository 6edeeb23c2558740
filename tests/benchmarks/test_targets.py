from __future__ import annotations

import json
from pathlib import Path

from benchmarks.targets import RESULTS, TARGETS, table

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_what_the_last_run_of_all_benchmarks_has_found() -> None:
    assert table(json.loads(RESULTS.read_text("utf-8"))) in README.read_text("utf-8")


def test_each_target_is_told_once() -> None:
    told = [(target.benchmark, target.series, target.size) for target in TARGETS]

    assert len(set(told)) == len(told)
