from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._upload.content import Picture, Section, Sent
from pulumi_openai_ft._upload.wish import Upload
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

DATA = bytes(range(200))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_bytes(DATA)
    return path


def wish(sha256: str | None = None) -> Upload:
    return Upload("data.jsonl", "fine-tune", len(DATA), sha256=sha256)


def test_a_section_is_read_as_a_file_is(file: Path) -> None:
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


def test_a_section_of_a_file_that_has_become_shorter_is_an_error(file: Path) -> None:
    with file.open("rb") as content:
        section = Section(content.fileno(), 50, 100, lambda _sent: None, "data.jsonl")
        os.truncate(file, 50)

        with pytest.raises(InputError, match=r"data\.jsonl' is not what it was"):
            section.read(10)


def test_the_last_byte_leaves_only_if_all_are_what_they_were() -> None:
    sent = Sent(wish(hashlib.sha256(DATA).hexdigest()), "data.jsonl")

    for _try in range(2):
        sent.see(100, DATA[:100])
        sent.see(200, DATA[100:])
        sent.see(200, b"")
    sent.see(100, DATA[:100])
    with pytest.raises(InputError):
        sent.see(200, DATA[:100])


def test_without_a_hash_only_the_size_counts() -> None:
    sent = Sent(wish(), "data.jsonl")

    sent.see(200, DATA)
    with pytest.raises(InputError):
        sent.see(201, b"x")
    with pytest.raises(InputError):
        sent.see(100, b"")


def test_a_picture_gives_the_md5_of_what_has_the_right_sha256(file: Path) -> None:
    blocks: list[None] = []
    with file.open("rb") as content:
        md5 = Picture.of(content, wish(hashlib.sha256(DATA).hexdigest())).md5(lambda: blocks.append(None))

        with pytest.raises(InputError, match="is not what it was"):
            Picture.of(content, wish("0" * 64)).md5(lambda: None)

    assert md5 == hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert len(blocks) == 1


def test_a_picture_notices_a_change_that_left_the_size_alone(file: Path) -> None:
    with file.open("rb") as content:
        picture = Picture.of(content, wish())
        picture.require_same()
        os.utime(file, (1, 1))

        with pytest.raises(InputError):
            picture.require_same()


def test_there_is_no_picture_of_a_file_that_has_another_size(file: Path) -> None:
    os.truncate(file, 199)

    with file.open("rb") as content, pytest.raises(InputError):
        Picture.of(content, wish())
