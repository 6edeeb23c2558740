from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.suite import SUITE
from benchmarks.targets import TARGETS

ROOT = Path(__file__).parents[2]


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_whole_suite_runs_on_the_real_engine(tmp_path: Path) -> None:
    results = tmp_path / "results.json"

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks",
            "--sizes",
            "1,2",
            "--data",
            "1,2",
            "--uploads",
            "70",
            "--runs",
            "1",
            "--output",
            results,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(results.read_text())["benchmarks"]
    assert found.keys() == SUITE.keys()
    reported = {(name, series["what"]) for name, all_series in found.items() for series in all_series}
    assert {(target.benchmark, target.series) for target in TARGETS} <= reported
    hosts = ("our host", "stock host")
    commands = {f"{command}, {host}" for command in ("up", "no-change preview", "destroy") for host in hosts}
    assert {series["what"] for series in found["overhead"]} == commands
    assert len(found["waiting"]) == len(found["host"]) == 3
    uploaded = {series["what"]: series["points"][0] for series in found["uploads"]}
    assert {"parts, our host, to an httpx stream", "one piece, our host, to SHA-256 alone"} < uploaded.keys()
    assert uploaded["parts, our host: peak memory"]["beyond"] < 48
    assert [series["points"][0]["ours"] for series in found["polling"]] == [[3.0], [7.0]]
    requests = [
        series["points"][0]["ours"] for series in found["account import"] if series["unit"] == "requests"
    ]
    assert requests == [[1], [2]]  # a job, and a file with its content
