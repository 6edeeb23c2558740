from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import pytest
from benchmarks.benchmark import Plan
from benchmarks.measurement import Figure, Point, Series
from benchmarks.report import Report

if TYPE_CHECKING:
    from pathlib import Path

POINTS = (
    Point(20, package=(2.0, 2.4, 2.2), peer=(2.0, 2.0, 2.0)),
    Point(60, package=(6.0, 6.0, 6.0), peer=(4.0, 4.0, 4.0)),
)


@pytest.fixture
def report() -> Report:
    up = Series("up", "s", "a file", "nothing", POINTS)
    start = Series("names", "s", "ours", "theirs", (Point(None, package=(0.1,), peer=(0.4,)),))
    waits = Point(64, package=(5.0, 4.0, 7.0), peer=(2.0, 2.0, 4.0))
    jobs = Series("jobs", "s", "jobs", "no-op", (waits,), Figure.BEYOND, at_most=2.6)
    host = Series("host", "s", "ours", "stock", (Point(None, package=(1.2,), peer=(1.0,)),), at_most=1.3)
    figures = {"overhead": [up], "import": [start], "waiting": [jobs, host]}
    return Report(Plan(runs=3), figures, {"peer": "1.2"})


def row(table: str, beginning: str) -> list[str]:
    (found,) = [line for line in table.splitlines() if line.startswith(beginning)]
    return found.removeprefix(beginning).split()


def test_a_row_gives_size_medians_ratio_and_spread(report: Report) -> None:
    assert row(report.table(), "overhead: up [s]") == ["20", "2.2", "2", "1.10", "1.00", "…", "1.20"]


def test_growth_is_shown_below_the_sizes(report: Report) -> None:
    assert row(report.table(), "  growth") == ["n^0.91", "n^0.63"]


def test_benchmarks_without_size_show_neither_size_nor_growth(report: Report) -> None:
    assert row(report.table(), "import: names [s]") == ["0.1", "0.4", "0.25", "0.25", "…", "0.25"]


def test_overhead_is_signed_and_an_exceeded_limit_is_marked(
    report: Report,
) -> None:
    cells = ["64", "5", "2", "+3.00", "+2.00", "…", "+3.00", "+2.60", "exceeded"]
    assert row(report.table(), "waiting: jobs [s]") == cells


def test_a_limit_that_is_met_has_no_mark(report: Report) -> None:
    assert row(report.table(), "waiting: host [s]")[-1] == "1.30"


def test_the_table_lists_peers_and_their_versions(report: Report) -> None:
    table = report.table()

    assert "overhead: package: a file; baseline: nothing" in table
    assert "peer 1.2" in table
    assert platform.python_version() in table


def test_columns_are_aligned(report: Report) -> None:
    header, *rows = report.table().split("\n\n")[0].splitlines()
    end = header.index("baseline") + len("baseline")

    assert all(line[end - 1] != " " and line[end : end + 1] in ("", " ") for line in rows)


def test_the_results_contain_every_sample_and_its_conditions(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "results.json")

    results = json.loads((tmp_path / "results.json").read_text())
    first = results["benchmarks"]["overhead"][0]["points"][0]
    assert first == {"size": 20, "ratio": 1.1, "ours": [2.0, 2.4, 2.2], "peer": [2.0, 2.0, 2.0]}
    assert results["runs"] == 3
    assert results["machine"]["cores"] >= 1
    assert results["versions"].keys() == {"pulumi-openai-ft", "Python", "peer"}
    assert results["benchmarks"]["import"][0]["growth"] is None
    waits = results["benchmarks"]["waiting"][0]
    assert (waits["at_most"], waits["points"][0]["beyond"]) == (2.6, 3.0)


def test_results_do_not_identify_the_machine(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path / "results.json")

    text = (tmp_path / "results.json").read_text()
    assert str(tmp_path) not in text
    assert f'"{platform.node()}"' not in text


def test_writing_leaves_only_the_results_in_the_folder(report: Report, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("of yesterday")

    report.write(tmp_path / "results.json")

    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]
    assert (tmp_path / "results.json").read_text().startswith("{")
