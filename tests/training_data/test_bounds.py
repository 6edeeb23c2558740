"""Invalid input is checked in bounded time and memory, in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.training_data.rows import numbered, write

if TYPE_CHECKING:
    from pathlib import Path

CHECKING = """
import json, resource, sys
from pathlib import Path
from pulumi_openai_ft.training_data import Severity, check
limits = json.loads(sys.argv[2])
for name, limit in limits.items():
    resource.setrlimit(getattr(resource, name), (limit, limit))
report = check(sys.argv[1])
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) // 1024  # ru_maxrss is at least that of the process that started this one
print(json.dumps([report.messages(Severity.ERROR), report.counts, report.examples, peak]))
"""
LONGEST = 100
"""Time limit of a check in seconds, on a busy machine; an idle machine needs at most half."""


class CheckResult(NamedTuple):
    """The result of a check.

    Attributes:
        sentences: Problems that the service would reject.
        counts: Number of problems by kind.
        examples: Number of examples.
        megabytes: Peak memory of the process in MB.
    """

    sentences: list[str]
    counts: dict[str, int]
    examples: int
    megabytes: int


def run_check(file: Path, **limits: int) -> CheckResult:
    """Check a file in a process with limits, as of `resource.setrlimit`."""
    ran = subprocess.run(
        [sys.executable, "-c", CHECKING, file, json.dumps(limits)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return CheckResult(*json.loads(ran.stdout))


@pytest.mark.long
def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    file = write(tmp_path / "file", *map(numbered, range(12)))
    with file.open("ab") as content:
        content.write(b'{"messages": "')
        content.truncate(10**9)

    found = run_check(file)

    (sentence,) = found.sentences
    assert sentence.startswith(
        "line 13: the example is longer than 160 MB, the limit for an example; split the example, "
    )
    assert found.examples == 12
    assert found.megabytes < 300


@pytest.mark.long
@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (b"{}\n", {"format": 1, "stopped": 1}),
        (b"{\n", {"several_lines": 1}),
        (b"\n", {"blank_line": 10_000_000, "no_examples": 1}),
    ],
    ids=repr,
)
def test_ten_million_bad_rows(tmp_path: Path, line: bytes, counts: dict[str, int]) -> None:
    file = tmp_path / "file"
    file.write_bytes(line * 10_000_000)

    found = run_check(file)

    assert {kind: found.counts[kind] for kind in counts} == counts
    assert len(found.sentences) <= 21
    assert found.megabytes < 150


@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_loses_only_the_cached_report(tmp_path: Path, cache_home: Path, room: int) -> None:
    """Limit the size of files to `room` bytes: longer writes fail as on a full disk."""
    file = write(tmp_path / "file", *map(numbered, range(12)))
    os.utime(file, (0, 0))

    found = run_check(file, RLIMIT_FSIZE=room)

    assert (found.sentences, found.examples) == ([], 12)
    assert [path for path in cache_home.rglob("*") if path.is_file()] == []
