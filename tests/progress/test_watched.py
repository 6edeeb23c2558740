from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

import httpx
import pytest
from tests.support import API_KEY

from pulumi_openai_ft._progress.watched import Watched
from pulumi_openai_ft._service.api import Api
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator

KEY = {"authorization": f"Bearer {API_KEY}"}
CHUNK = 64 * 1024
SIZE = 5 * CHUNK + 1000
STEPS = [*range(CHUNK, SIZE, CHUNK), SIZE]


def note(seen: list[int]) -> Callable[[int, bytes], None]:
    """Notes where reading stands after each read that gave something."""
    return lambda position, data: seen.append(position) if data else None


@pytest.fixture
def large_file(tmp_path: Path) -> Iterator[BinaryIO]:
    path = tmp_path / "training.jsonl"
    path.write_bytes(bytes(number % 251 for number in range(SIZE)))
    with path.open("rb") as content:
        yield content


def test_httpx_streams_it_and_knows_its_length_beforehand(large_file: BinaryIO, service: Emulator) -> None:
    seen: list[int] = []

    answer = httpx.post(
        f"{service.url}/files",
        headers=KEY,
        data={"purpose": "fine-tune"},
        files={"file": ("training.jsonl", Watched(large_file, note(seen)))},
        trust_env=False,
    )

    assert seen == STEPS
    assert int(answer.request.headers["content-length"]) > SIZE
    assert "transfer-encoding" not in answer.request.headers
    assert answer.json()["bytes"] == SIZE


def test_an_upload_that_is_tried_again_is_reported_from_its_beginning(
    large_file: BinaryIO, service: Emulator
) -> None:
    service.fault("POST", "/files", "status", status=429, headers={"retry-after-ms": "1"})
    api = Api(Settings(api_key=API_KEY, base_url=service.url))
    seen: list[int] = []

    uploaded = api.upload_file("training.jsonl", Watched(large_file, note(seen)), purpose="fine-tune")

    assert seen == STEPS * 2
    api.close()
    large_file.seek(0)
    content = httpx.get(f"{service.url}/files/{uploaded.id}/content", headers=KEY, trust_env=False).content
    assert content == large_file.read()


def test_reading_ends_with_what_the_report_raises(large_file: BinaryIO) -> None:
    def interrupt(_position: int, _data: bytes) -> None:
        raise InterruptedError("by the user")

    with pytest.raises(InterruptedError, match="by the user"):
        Watched(large_file, interrupt).read(10)


def test_reports_what_is_asked_for_and_no_more() -> None:
    seen: list[int] = []
    watched = Watched(io.BytesIO(b"0123456789"), note(seen))

    assert [watched.read(4), watched.read(0), watched.read(4), watched.read(4), watched.read(4)] == [
        *(b"0123", b"", b"4567", b"89", b"")
    ]
    assert seen == [4, 8, 10]
    assert (watched.seek(-3, io.SEEK_END), watched.tell(), watched.read()) == (7, 7, b"789")
    assert seen == [4, 8, 10, 10]


def test_tells_what_was_read_and_that_the_end_came() -> None:
    told: list[tuple[int, bytes]] = []

    Watched(io.BytesIO(b"0123"), lambda position, data: told.append((position, data))).read(10)

    assert (told[0], told[-1]) == ((4, b"0123"), (4, b""))


def test_shows_what_the_content_shows(large_file: BinaryIO) -> None:
    watched = Watched(large_file, print)

    assert (watched.name, watched.fileno(), watched.seekable()) == (
        large_file.name,
        large_file.fileno(),
        True,
    )


def test_the_content_stays_open(large_file: BinaryIO) -> None:
    with Watched(large_file, print):
        pass

    assert not large_file.closed
