from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest
from benchmarks.benchmark import BenchmarkError, Plan
from benchmarks.suite import training_data as suite
from benchmarks.training_data import WAYS, WITHOUT_TOKENS, seconds, write

from benchmarks import training_data
from pulumi_openai_ft.training_data import check

if TYPE_CHECKING:
    from pathlib import Path

HAS_PEERS = all(importlib.util.find_spec(name.replace("-", "_")) for name in training_data.PEERS)


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_generated_data_is_valid_deterministic_and_sized(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, 1) for name in ("first", "second"))

    report = check(first, part="training")
    assert (report.problems, report.bytes // 10**6) == ((), 1)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("way", [name for name in WAYS if name != "peer"] + [WITHOUT_TOKENS])
def test_each_reader_runs_in_a_separate_process(way: str, tmp_path: Path) -> None:
    file = write(tmp_path / "training.jsonl", 1)

    assert 0 < seconds(way, file, 1) < 60


def test_invalid_data_ends_the_benchmark(tmp_path: Path) -> None:
    (tmp_path / "training.jsonl").write_text("{\n")

    with pytest.raises(BenchmarkError, match="the generated file is invalid"):
        seconds("ours", tmp_path / "training.jsonl", 1)


def test_missing_peers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_data, "PEERS", ("json", "no-such-peer"))

    with pytest.raises(BenchmarkError, match=r"a baseline is missing: run pip install no-such-peer$"):
        suite.measure(Plan(sizes=(1,), runs=1))


def test_ratios_compare_with_a_peer_of_the_same_run() -> None:
    ways = [(way, cores) for way in [*WAYS, WITHOUT_TOKENS] for cores in (1, 2)]
    taken = {20: {way: [float(number), 2.0] for number, way in enumerate(ways, start=1)}}

    series = {
        measured.name: measured
        for measured in (suite._series(compared, taken) for compared in suite.COMPARISONS)
    }

    [point] = series["check and count, 2 cores"].points
    assert point.package == tuple(taken[20]["ours", 2])
    assert point.peer == tuple(taken[20]["peer", 1])
    assert series["check and count, 2 cores"].at_most == 1 / 8


@pytest.mark.long
@pytest.mark.skipif(not HAS_PEERS or len(os.sched_getaffinity(0)) < 2, reason="needs the peers and two cores")
def test_every_comparison_is_measured() -> None:
    found = suite.measure(Plan(data=(1,), runs=1))

    assert [measured.name for measured in found] == [comparison.name for comparison in suite.COMPARISONS]
    assert {point.size for measured in found for point in measured.points} == {1}
    assert all(
        value > 0
        for measured in found
        for point in measured.points
        for value in (*point.package, *point.peer)
    )
