from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.training_data.rows import numbered, write

from pulumi_openai_ft._training_data import cache as cache_module
from pulumi_openai_ft._training_data.cache import SETTLED_NS, Cache
from pulumi_openai_ft.training_data import Report, check, sha256

ROWS = [numbered(number) for number in range(12)]
LATER = 3_600 * 10**9


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "training.jsonl", *ROWS)


class Reads:
    """Counts how often a file was read."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, done: int, size: int) -> None:
        self.number += done == size


@pytest.fixture
def reads() -> Reads:
    return Reads()


def later(folder: Path | None) -> Cache[Report]:
    """A cache of an hour later, when the file has long been left alone."""
    return Cache(Report, folder, lambda: os.stat("/proc/self").st_ctime_ns + LATER)  # noqa: PTH116


def test_a_file_that_has_not_changed_is_not_read_again(file: Path, tmp_path: Path, reads: Reads) -> None:
    cache = later(tmp_path / "cache")
    first = check(file, cache=cache, progress=reads)

    assert check(file, cache=later(tmp_path / "cache"), progress=reads) == first
    assert reads.number == 1
    assert sha256(file, cache=cache) == first.sha256


def test_problems_come_back_whole(file: Path, tmp_path: Path) -> None:
    write(file, *ROWS, ROWS[0], b"{")
    cache = later(tmp_path / "cache")
    first = check(file, cache=cache)

    assert check(file, cache=cache) == first
    assert (first.errors, first.warnings) == (1, 1)


def test_other_terms_are_other_reports(file: Path, tmp_path: Path) -> None:
    cache = later(tmp_path / "cache")

    assert check(file, cache=cache).method == "supervised"
    assert check(file, cache=cache, method="dpo").errors == 12
    assert check(file, cache=cache).errors == 0
    assert check(file, cache=cache, context_length=5).warnings == 12


def replaced_with_old_times(file: Path) -> None:
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"parcel", b"letter"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def renamed_over(file: Path) -> None:
    before = file.stat()
    other = write(file.with_name("other"), *ROWS[:-1], numbered(99))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def appended(file: Path) -> None:
    with file.open("ab") as content:
        content.write(b"{}\n")


@pytest.mark.parametrize("change", [replaced_with_old_times, renamed_over, appended])
def test_a_changed_file_is_never_taken_for_unchanged(file: Path, tmp_path: Path, change: Any) -> None:
    cache = later(tmp_path / "cache")
    before = check(file, cache=cache)
    change(file)

    after = check(file, cache=cache)

    assert after.sha256 != before.sha256
    assert sha256(file, cache=cache) == after.sha256


def test_a_file_that_was_just_written_is_read_again(file: Path, tmp_path: Path, reads: Reads) -> None:
    """A further change within a tick of the clock would not show in its times."""
    written = file.stat().st_ctime_ns
    early = Cache(Report, tmp_path / "cache", lambda: written + SETTLED_NS - 1)
    for _ in range(2):
        check(file, cache=early, progress=reads)
    settled = Cache(Report, tmp_path / "cache", lambda: written + SETTLED_NS)
    for _ in range(2):
        check(file, cache=settled, progress=reads)

    assert reads.number == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"state": [1, 2, 3, 4, 5], "sha256": 7}'])
def test_a_corrupt_cache_is_as_none(file: Path, tmp_path: Path, content: bytes, reads: Reads) -> None:
    cache = later(tmp_path / "cache")
    first = check(file, cache=cache, progress=reads)
    [entry] = (tmp_path / "cache").iterdir()
    entry.write_bytes(content)

    assert check(file, cache=cache, progress=reads) == first
    assert reads.number == 2


def test_a_cache_that_cannot_be_written_is_as_none(file: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")

    assert check(file, cache=later(tmp_path / "a file" / "cache")).errors == 0
    assert check(file, cache=later(Path("/proc/none"))).errors == 0
    assert check(file, cache=later(None)).errors == 0


def test_nobody_else_reads_what_rows_say(file: Path, tmp_path: Path) -> None:
    check(file, cache=later(tmp_path / "cache"))
    [entry] = (tmp_path / "cache").iterdir()

    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_only_so_many_files_and_reports_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Reads
) -> None:
    monkeypatch.setattr(cache_module, "MOST_FILES", 2)
    monkeypatch.setattr(cache_module, "MOST_REPORTS", 2)
    cache = later(tmp_path / "cache")
    files = [write(tmp_path / f"{number}.jsonl", *ROWS) for number in range(4)]
    for one in files:
        check(one, cache=cache)
    for length in (5, 6, 7, 5):
        check(files[-1], cache=cache, context_length=length, progress=reads)

    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert reads.number == 4


def test_the_users_cache_folder_is_the_default(file: Path, cache_home: Path) -> None:
    old = file.stat().st_ctime_ns
    cache = Cache(Report, now=lambda: old + LATER)
    check(file, cache=cache)

    assert [entry.suffix for entry in (cache_home / "pulumi-openai-ft" / "training-data").iterdir()] == [
        ".json"
    ]
