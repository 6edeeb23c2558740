from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from benchmarks.benchmark import BenchmarkError
from benchmarks.measurement import Point, Series
from benchmarks.suite import SUITE

from benchmarks import command

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.benchmark import Plan


@dataclass
class Squares:
    """A benchmark that finishes immediately."""

    __doc__ = "Squares."

    failure: BaseException | None = None

    def measure(self, plan: Plan) -> list[Series]:
        plan.on_step("squaring")
        if self.failure:
            raise self.failure
        points = (Point(size, (float(size**2),) * plan.runs, (1.0,) * plan.runs) for size in plan.sizes)
        return [Series("of sizes", "s", "squares", "ones", tuple(points))]

    def versions(self) -> dict[str, str]:
        return {"square": "2"}


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> Squares:
    """Replace all benchmarks with `Squares`."""
    for name in list(SUITE):
        monkeypatch.delitem(SUITE, name)
    only = Squares()
    monkeypatch.setitem(SUITE, "squares", only)
    return only


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the default path of the results, in a temporary folder."""
    file = tmp_path / "results.json"
    monkeypatch.setattr(command, "RESULTS", file)
    return file


@pytest.mark.parametrize(
    ("text", "read"), [("20,60,180", (20, 60, 180)), ("9, 3,9", (3, 9)), ("500", (500,))]
)
def test_sizes_are_read_in_any_order(text: str, read: tuple[int, ...]) -> None:
    assert command.sizes(text) == read


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sizes", "20,many"], "argument --sizes: 'many' is not a positive integer"),
        (["--sizes", "0"], "argument --sizes: '0' is not a positive integer"),
        (["--sizes", "20,"], "argument --sizes: '' is not a positive integer"),
        (["--runs", "-1"], "argument --runs: '-1' is not a positive integer"),
        (["speed"], "argument NAME: 'speed' is not a benchmark; choose from overhead, import"),
        (["--output", "/no/such/folder/r.json"], "cannot be written; choose a file in an existing folder"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_runs(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)

    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_help_describes_each_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])

    output = capsys.readouterr().out
    assert ended.value.code == 0
    for name, benchmark in SUITE.items():
        assert f"  {name}" in output
        assert (benchmark.__doc__ or "").splitlines()[0] in output


def test_a_full_run_prints_the_table_and_writes_results(
    squares: Squares, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--sizes", "2,4", "--runs", "2"]) == 0

    output = capsys.readouterr()
    assert "squares: of sizes [s]" in output.out
    assert "n^2.00" in output.out
    assert "squares: squaring" in output.err
    written = json.loads(results.read_text())
    assert [point["size"] for point in written["benchmarks"]["squares"][0]["points"]] == [2, 4]
    assert written["versions"]["square"] == squares.versions()["square"]


@pytest.mark.usefixtures("squares")
def test_a_partial_run_leaves_the_recorded_results_unchanged(results: Path) -> None:
    results.write_text("of all")

    assert command.main(["squares"]) == 0

    assert results.read_text() == "of all"


@pytest.mark.usefixtures("squares")
def test_results_go_to_the_output_option(results: Path, tmp_path: Path) -> None:
    assert command.main(["squares", "--output", str(tmp_path / "mine.json")]) == 0

    assert not results.exists()
    assert "squares" in json.loads((tmp_path / "mine.json").read_text())["benchmarks"]


def test_a_failure_is_reported_and_no_results_are_written(
    squares: Squares, results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SUITE, "broken", Squares(BenchmarkError("no engine")))

    assert command.main([]) == 1

    output = capsys.readouterr()
    assert "benchmarks: broken: no engine" in output.err
    assert "failed: broken" in output.err
    assert squares.__doc__
    assert "squares: of sizes [s]" in output.out
    assert not results.exists()


def test_a_full_disk_is_reported_in_a_sentence(
    squares: Squares, capsys: pytest.CaptureFixture[str], results: Path
) -> None:
    squares.failure = OSError(28, "No space left on device")

    assert command.main([]) == 1

    assert "benchmarks: [Errno 28] No space left on device" in capsys.readouterr().err
    assert not results.exists()


def test_an_interruption_ends_with_130_and_writes_nothing(squares: Squares, results: Path) -> None:
    squares.failure = KeyboardInterrupt()

    assert command.main([]) == 130

    assert not results.exists()
