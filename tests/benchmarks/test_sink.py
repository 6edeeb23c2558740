from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import httpx
import openai
import pytest
from benchmarks.benchmark import BenchmarkError
from benchmarks.sink import Sink
from tests.support import API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 300


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with Sink.running(tmp_path) as running:
        yield running


@pytest.fixture
def api(sink: Sink) -> Iterator[Client]:
    made = Client(Settings(api_key=API_KEY, base_url=sink.url))
    yield made
    made.close()


@pytest.fixture
def official(sink: Sink) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=API_KEY, base_url=sink.url) as client:
        yield client


def test_counts_the_content_without_the_multipart_form(sink: Sink, api: Client) -> None:
    expiry = {"anchor": "created_at", "seconds": 3600}

    file = api.upload_file("data.jsonl", io.BytesIO(CONTENT), purpose="batch", expires_after=expiry)

    assert file.bytes == len(CONTENT)
    assert list(api.files()) == []
    sink.require(len(CONTENT))


def test_counts_the_content_of_multipart_uploads(sink: Sink, api: Client) -> None:
    upload = api.begin_upload("data.jsonl", purpose="batch", size=2 * len(CONTENT), mime_type="text/jsonl")
    parts = [api.add_part(upload.id, io.BytesIO(CONTENT)) for _ in range(2)]

    file = api.complete_upload(upload.id, [part.id for part in parts], "0").file

    assert file
    assert file.bytes == 2 * len(CONTENT)
    sink.require(2 * len(CONTENT))


def test_counts_the_content_of_the_official_client(
    sink: Sink, official: openai.OpenAI, tmp_path: Path
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(CONTENT)

    created = official.files.create(file=path, purpose="batch")
    chunked = official.uploads.upload_file_chunked(
        file=path, mime_type="text/jsonl", purpose="batch", part_size=1000
    )

    assert created.bytes == len(CONTENT)
    assert chunked.file
    assert chunked.file.bytes == len(CONTENT)
    sink.require(2 * len(CONTENT))


def test_counts_a_raw_stream(sink: Sink) -> None:
    answer = httpx.post(f"{sink.url}/files", content=CONTENT, trust_env=False)

    assert answer.json()["bytes"] == len(CONTENT)
    sink.require(len(CONTENT))


def test_refuses_parts_of_another_total_size(api: Client) -> None:
    upload = api.begin_upload("data.jsonl", purpose="batch", size=len(CONTENT), mime_type="text/jsonl")
    part = api.add_part(upload.id, io.BytesIO(CONTENT[1:]))

    with pytest.raises(ServiceError, match="76799 bytes instead of the announced 76800"):
        api.complete_upload(upload.id, [part.id], "0")


def test_a_size_without_an_upload_gives_no_figure(sink: Sink, api: Client) -> None:
    api.upload_file("data.jsonl", io.BytesIO(CONTENT), purpose="batch")

    with pytest.raises(BenchmarkError, match="received 76800 bytes instead of 76801"):
        sink.require(len(CONTENT) + 1)


def test_a_throttled_line_limits_the_speed(tmp_path: Path) -> None:
    with Sink.running(tmp_path, speed=20) as sink:
        began = time.monotonic()
        httpx.post(f"{sink.url}/files", content=bytes(4_000_000), trust_env=False)

        assert time.monotonic() - began >= 0.2
