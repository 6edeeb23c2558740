from __future__ import annotations

import hashlib
import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._provider.upload.reader import (
    AHEAD,
    BLOCK,
    BackgroundSha256,
    FileSnapshot,
    Section,
    VerifiedReader,
)
from pulumi_openai_ft._provider.upload.request import UploadRequest
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

DATA = bytes(range(200))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_bytes(DATA)
    return path


def upload_request(sha256: str | None = None) -> UploadRequest:
    return UploadRequest("data.jsonl", "fine-tune", len(DATA), sha256=sha256)


def test_a_section_is_read_like_a_file(file: Path) -> None:
    seen: list[int] = []
    with file.open("rb") as content:
        section = Section(content.fileno(), 50, 100, seen.append, "data")

        assert section.seek(0, os.SEEK_END) == 100
        assert section.seek(0) == 0
        assert (section.read(30), section.tell(), section.read(), section.read(9)) == (
            *(DATA[50:80], 30, DATA[80:150]),
            b"",
        )
        assert content.tell() == 0
    assert seen == [0, 30, 100]


def test_a_section_of_a_shortened_file_is_an_error(file: Path) -> None:
    with file.open("rb") as content:
        section = Section(content.fileno(), 50, 100, lambda _sent: None, "data.jsonl")
        os.truncate(file, 50)

        with pytest.raises(InputError, match=r"data\.jsonl' has changed since the program ran"):
            section.read(10)


def test_an_unreadable_section_is_an_error(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)  # can be opened but not read, like a file on a broken disk
    section = Section(folder, 0, 100, lambda _sent: None, "data.jsonl")

    with pytest.raises(InputError, match=r"data\.jsonl' cannot be read to the end \(is a directory\)"):
        section.read(10)
    os.close(folder)


def test_a_background_hash_covers_all_data_since_its_start() -> None:
    with BackgroundSha256() as beside:
        for _ in range(2):
            beside.begin()
            for block in [DATA] * 20:
                beside.update(block)

            assert beside.hexdigest() == hashlib.sha256(DATA * 20).hexdigest()


def test_a_background_hash_buffers_little_data() -> None:
    tracemalloc.start()
    with BackgroundSha256() as beside:
        for _ in range(100):
            beside.update(bytes(BLOCK))
        beside.hexdigest()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < (AHEAD + 4) * BLOCK


@pytest.mark.parametrize("sha256", [hashlib.sha256(DATA).hexdigest(), None], ids=["with a hash", "without"])
def test_a_verified_reader_can_be_read_repeatedly(file: Path, sha256: str | None) -> None:
    seen: list[int] = []
    with (
        file.open("rb") as content,
        VerifiedReader(FileSnapshot.of(content, upload_request(sha256)), seen.append) as whole,
    ):
        for _ in range(2):
            assert whole.seek(0, os.SEEK_END) == 200
            assert whole.seek(0) == 0
            assert [whole.read(150), whole.read(150), whole.read(150)] == [DATA[:150], DATA[150:], b""]

    assert seen == [0, 150, 200] * 2


def test_the_last_byte_requires_the_expected_hash(file: Path) -> None:
    with file.open("rb") as content:
        picture = FileSnapshot.of(content, upload_request("0" * 64))
        with VerifiedReader(picture, lambda _sent: None) as whole:
            assert whole.read(199) == DATA[:199]
            with pytest.raises(InputError, match="has changed since the program ran"):
                whole.read(1)


def test_the_last_byte_is_withheld_if_the_file_changed(file: Path) -> None:
    with (
        file.open("rb") as content,
        VerifiedReader(FileSnapshot.of(content, upload_request()), lambda _sent: None) as whole,
    ):
        whole.read(199)
        with file.open("ab") as more:
            more.write(b"!")

        with pytest.raises(InputError, match="has changed since the program ran"):
            whole.read(1)


def test_an_empty_file_with_another_hash_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()

    with path.open("rb") as content:
        picture = FileSnapshot.of(
            content, UploadRequest(path.name, "batch", 0, sha256=hashlib.sha256(DATA).hexdigest())
        )
        with VerifiedReader(picture, lambda _sent: None) as whole, pytest.raises(InputError):
            whole.read(1)


def test_errors_of_the_progress_callback_are_raised(file: Path) -> None:
    def interrupt(_sent: int) -> None:
        raise InterruptedError("by the user")

    with (
        file.open("rb") as content,
        VerifiedReader(FileSnapshot.of(content, upload_request()), interrupt) as whole,
        pytest.raises(InterruptedError, match="by the user"),
    ):
        whole.read(1)


def test_a_snapshot_gives_the_md5_of_verified_content(file: Path) -> None:
    with file.open("rb") as content:
        md5 = FileSnapshot.of(content, upload_request(hashlib.sha256(DATA).hexdigest())).md5(
            lambda _hashed: None
        )

        with pytest.raises(InputError, match="has changed since the program ran"):
            FileSnapshot.of(content, upload_request("0" * 64)).md5(lambda _hashed: None)

    assert md5 == hashlib.md5(DATA, usedforsecurity=False).hexdigest()


def test_a_snapshot_reports_hashing_progress(tmp_path: Path) -> None:
    path, hashed = tmp_path / "long.jsonl", list[int]()
    with path.open("wb") as content:
        content.truncate(2 * BLOCK + 1)

    with path.open("rb") as content:
        FileSnapshot.of(content, UploadRequest(path.name, "batch", 2 * BLOCK + 1)).md5(hashed.append)

    assert hashed == [0, BLOCK, 2 * BLOCK, 2 * BLOCK + 1]


def test_a_snapshot_detects_a_change_of_equal_size(file: Path) -> None:
    with file.open("rb") as content:
        picture = FileSnapshot.of(content, upload_request())
        picture.require_same()
        os.utime(file, (1, 1))

        with pytest.raises(InputError):
            picture.require_same()


def test_a_file_of_another_size_has_no_snapshot(file: Path) -> None:
    os.truncate(file, 199)

    with file.open("rb") as content, pytest.raises(InputError):
        FileSnapshot.of(content, upload_request())
