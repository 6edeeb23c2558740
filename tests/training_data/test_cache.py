from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.training_data.rows import ALL_VALID, ASSISTANT, CHAT, USER, WITH_IMAGES, chat, numbered, write

from pulumi_openai_ft._training_data import cache as cache_module
from pulumi_openai_ft._training_data.cache import SETTLED_NS, Cache
from pulumi_openai_ft.training_data import METHODS, Report, check, sha256

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [numbered(number) for number in range(12)]
LATER = 3_600 * 10**9


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "training.jsonl", *ROWS)


class Reads:
    """Counts the reads of a file."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, done: int, size: int) -> None:
        self.number += done == size


@pytest.fixture
def reads() -> Reads:
    return Reads()


def later(folder: Path | None) -> Cache[Report]:
    """Return a cache of an hour later, when the file has not changed for long."""
    return Cache(Report, folder, lambda: os.stat("/proc/self").st_ctime_ns + LATER)  # noqa: PTH116


def test_an_unchanged_file_is_not_read_again(file: Path, tmp_path: Path, reads: Reads) -> None:
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
    assert check(file, cache=cache, method="dpo").errors == 1
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
    """Another change within the same tick of the clock would not change the file's times."""
    written = file.stat().st_ctime_ns
    early = Cache(Report, tmp_path / "cache", lambda: written + SETTLED_NS - 1)
    for _ in range(2):
        check(file, cache=early, progress=reads)
    settled = Cache(Report, tmp_path / "cache", lambda: written + SETTLED_NS)
    for _ in range(2):
        check(file, cache=settled, progress=reads)

    assert reads.number == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"state": [1, 2, 3, 4, 5], "sha256": 7}'])
def test_a_corrupt_cache_is_ignored(file: Path, tmp_path: Path, content: bytes, reads: Reads) -> None:
    cache = later(tmp_path / "cache")
    first = check(file, cache=cache, progress=reads)
    entries = list((tmp_path / "cache").iterdir())
    for entry in entries:
        entry.write_bytes(content)

    assert len(entries) == 2
    assert check(file, cache=cache, sha256=first.sha256, progress=reads) == first
    assert reads.number == 2


@pytest.mark.parametrize("folder", ["in the way/cache", "/proc/none"])
def test_an_unwritable_report_is_kept_in_memory(
    file: Path, tmp_path: Path, folder: str, reads: Reads
) -> None:
    (tmp_path / "in the way").write_text("a file")
    cache = later(tmp_path / folder)

    first = check(file, cache=cache, progress=reads)
    for terms in ({"sha256": first.sha256}, {}, {"part": "training"}):
        assert check(file, cache=later(tmp_path / folder), progress=reads, **terms) == first  # type: ignore[arg-type]
    assert reads.number == 1


def test_a_report_written_later_leaves_memory(file: Path, tmp_path: Path, reads: Reads) -> None:
    (tmp_path / "cache").write_text("in the way")
    cache = later(tmp_path / "cache")
    first = check(file, cache=cache, progress=reads)
    (tmp_path / "cache").unlink()
    other = check(file, cache=cache, method="dpo", progress=reads)

    assert len(list((tmp_path / "cache").iterdir())) == 2
    for _ in range(2):
        assert check(file, cache=cache, sha256=first.sha256, progress=reads) == first
        assert check(file, cache=cache, sha256=first.sha256, method="dpo", progress=reads) == other
        cache_module._UNWRITTEN.clear()
    assert reads.number == 2


def test_without_a_folder_nothing_is_cached(file: Path, reads: Reads) -> None:
    for _ in range(2):
        check(file, cache=later(None), progress=reads)

    assert reads.number == 2


def test_cached_rows_are_private_to_the_user(file: Path, tmp_path: Path) -> None:
    check(file, cache=later(tmp_path / "cache"))
    modes = {stat.S_IMODE(entry.stat().st_mode) for entry in (tmp_path / "cache").iterdir()}

    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    assert modes == {0o600}


def test_only_so_many_files_contents_and_reports_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Reads
) -> None:
    monkeypatch.setattr(cache_module, "MOST_ENTRIES", 5)
    monkeypatch.setattr(cache_module, "MOST_REPORTS", 2)
    cache = later(tmp_path / "cache")
    files = [write(tmp_path / f"{number}.jsonl", numbered(number)) for number in range(6)]
    numbers = []
    for path in files:
        check(path, cache=cache)
        numbers.append(len(list((tmp_path / "cache").iterdir())))
    for length in (5, 6, 7, 5):
        check(files[-1], cache=cache, context_length=length, progress=reads)

    assert numbers == [2, 4, 4, 4, 4, 4]
    assert reads.number == 4


def test_the_oldest_entries_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Reads) -> None:
    monkeypatch.setattr(cache_module, "MOST_ENTRIES", 5)
    cache = later(tmp_path / "cache")
    old, new, newest = (write(tmp_path / f"{number}.jsonl", numbered(number)) for number in range(3))
    former = tmp_path / "cache" / "of a former version.json"
    check(old, cache=cache)
    for entry in (tmp_path / "cache").iterdir():
        os.utime(entry, (1, 1))
    former.write_text('{"state": [1, 2, 3, 4, 5], "sha256": "7", "reports": {}}')
    os.utime(former, (0, 0))
    check(new, cache=cache)
    check(newest, cache=cache)

    for path in (new, newest, old):
        check(path, cache=cache, progress=reads)
    assert not former.exists()
    assert reads.number == 1


def test_the_users_cache_folder_is_the_default(file: Path, cache_home: Path) -> None:
    old = file.stat().st_ctime_ns
    cache = Cache(Report, now=lambda: old + LATER)
    check(file, cache=cache)

    entries = (cache_home / "pulumi-openai-ft" / "training-data").iterdir()
    assert [entry.suffix for entry in entries] == [".json"] * 2


class TestByHash:
    """With a known hash, the file does not have to be read."""

    def test_a_known_hash_gives_its_report_without_reading(self, file: Path, tmp_path: Path) -> None:
        cache = Cache(Report, tmp_path / "cache")
        first = check(file, cache=cache)
        file.write_bytes(b"{")

        assert check(file, cache=cache, sha256=first.sha256) == first
        assert check(file, cache=cache).sha256 != first.sha256
        file.unlink()
        assert check(file, cache=cache, sha256=first.sha256) == first

    def test_a_known_hash_makes_a_new_file_trustworthy(
        self, file: Path, tmp_path: Path, reads: Reads
    ) -> None:
        cache = Cache(Report, tmp_path / "cache")
        for _ in range(3):
            check(file, cache=cache, sha256=sha256(file, cache=cache), progress=reads)

        assert reads.number == 1

    def test_the_same_content_elsewhere_is_not_checked_again(
        self, file: Path, tmp_path: Path, reads: Reads
    ) -> None:
        cache = later(tmp_path / "cache")
        first, copy = check(file, cache=cache), tmp_path / "copy"
        copy.write_bytes(file.read_bytes())

        assert check(copy, cache=cache, sha256=sha256(copy, cache=cache), progress=reads) == first
        assert reads.number == 0

    @pytest.mark.parametrize("other", ["a" * 64, "", "../../etc/passwd", "\0"])
    def test_a_mismatching_hash_is_ignored(
        self, file: Path, tmp_path: Path, other: str, reads: Reads
    ) -> None:
        cache = later(tmp_path / "cache")
        for _ in range(2):
            found = check(file, cache=cache, sha256=other, progress=reads)

        assert found.sha256 == sha256(file)
        assert reads.number == 1

    def test_an_entry_with_another_name_is_ignored(self, file: Path, tmp_path: Path, reads: Reads) -> None:
        cache = Cache(Report, tmp_path / "cache")
        first = check(file, cache=cache, progress=reads)
        (entry,) = (tmp_path / "cache").iterdir()
        entry.rename(entry.with_name(f"{'a' * 64}.json"))

        assert check(file, cache=cache, sha256="a" * 64, progress=reads) == first
        assert reads.number == 2


LINES = [json.dumps(row).encode() for _, row in ALL_VALID]
LONG = json.dumps(chat(USER, ASSISTANT | {"content": "Under Account, then Security. " * 40})).encode()
PREFERENCE = next(json.dumps(row).encode() for method, row in ALL_VALID if method == "dpo")
CONTENT = json.dumps(WITH_IMAGES).replace('"low"', '"high"').encode()
ODD_LINES = [
    b"",
    b"{",
    b"[1]",
    b'{"messages": []}',
    LINES[0] + b"\r",
    json.dumps(CHAT | {"source": "caf\u00e9"}, ensure_ascii=False).encode("latin-1"),
    json.dumps(CHAT | {"source": "caf\u00e9"}, ensure_ascii=False).encode(),
    LONG,
    CONTENT,
]
FILES = st.builds(
    lambda mark, lines, end: mark + b"\n".join(lines) + end,
    st.sampled_from([b""] * 8 + [b"\xef\xbb\xbf"]),
    st.lists(st.sampled_from(LINES) | st.sampled_from(ODD_LINES), max_size=14),
    st.sampled_from([b"\n", b""]),
)
TERMS = st.fixed_dictionaries(
    {
        "method": st.sampled_from([None, *METHODS]),
        "part": st.sampled_from([None, "training", "validation"]),
        "model": st.sampled_from([None, "gpt-4.1-mini", "gpt-3.5-turbo"]),
        "context_length": st.none() | st.integers(1, 2500),
    }
)


def terms(context_length: int) -> dict[str, Any]:
    return {"method": "supervised", "part": "training", "model": None, "context_length": context_length}


@example(content=LONG + b"\n" + LINES[0], terms=terms(len(LINES[0])))
@example(content=CONTENT, terms=terms(len(CONTENT)))
@example(content=b'{"messages": []}\n' + PREFERENCE, terms={**terms(9999), "method": "dpo"})
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(content=FILES, terms=TERMS)
def test_a_derived_report_equals_one_that_was_read(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, terms: dict[str, Any]
) -> None:
    folder, reads = tmp_path_factory.mktemp("data"), Reads()
    file, cache = folder / "file", Cache(Report, folder / "cache")
    file.write_bytes(content)
    first = check(file, cache=cache)

    found = check(file, cache=cache, sha256=first.sha256, progress=reads, **terms)

    assert found == check(file, cache=Cache(Report, None), **terms)
    length = terms["context_length"]
    longest = max(map(len, content.split(b"\n")))
    follows = (
        terms["method"] in {None, first.method}
        and terms["model"] != "gpt-3.5-turbo"
        and (length is None or (b"image_url" not in content and longest <= length))
    )
    if follows:
        assert reads.number == 0
