from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import openai
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openai.types import Upload

DATA = b"first half, second half"
HALVES = (DATA[:11], DATA[11:])
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


def begin(client: openai.OpenAI, size: int = len(DATA), **options: Any) -> Upload:
    return client.uploads.create(
        bytes=size, filename="big.jsonl", mime_type="text/jsonl", purpose="fine-tune", **options
    )


def send(client: openai.OpenAI, upload: Upload, *parts: bytes) -> list[str]:
    return [client.uploads.parts.create(upload.id, data=part).id for part in parts]


def test_upload_waits_an_hour_for_its_parts(client: openai.OpenAI) -> None:
    upload = begin(client)

    assert upload.id.startswith("upload_")
    assert (upload.status, upload.bytes, upload.filename) == ("pending", len(DATA), "big.jsonl")
    assert upload.expires_at == upload.created_at + 3600
    assert upload.file is None


def test_part_belongs_to_its_upload(client: openai.OpenAI) -> None:
    upload = begin(client)

    part = client.uploads.parts.create(upload.id, data=DATA)

    assert part.id.startswith("part_")
    assert part.upload_id == upload.id


def test_parts_join_in_the_order_of_completion(client: openai.OpenAI) -> None:
    upload = begin(client)
    second, first = send(client, upload, HALVES[1], HALVES[0])

    completed = client.uploads.complete(upload.id, part_ids=[first, second], md5=MD5)

    assert completed.status == "completed"
    assert completed.file is not None
    assert (completed.file.bytes, completed.file.filename) == (len(DATA), "big.jsonl")
    assert client.files.content(completed.file.id).content == DATA


def test_completed_upload_is_a_file_like_others(client: openai.OpenAI) -> None:
    upload = begin(client)
    completed = client.uploads.complete(upload.id, part_ids=send(client, upload, DATA))

    assert completed.file is not None
    assert client.files.retrieve(completed.file.id).purpose == "fine-tune"
    assert [file.id for file in client.files.list()] == [completed.file.id]


def test_the_expiry_applies_to_the_file(client: openai.OpenAI) -> None:
    upload = begin(client, expires_after={"anchor": "created_at", "seconds": 7200})
    completed = client.uploads.complete(upload.id, part_ids=send(client, upload, DATA))

    assert completed.file is not None
    assert completed.file.expires_at == completed.file.created_at + 7200


def test_wrong_checksum_is_refused_and_the_upload_stays_open(client: openai.OpenAI) -> None:
    upload = begin(client)
    parts = send(client, upload, DATA)

    with pytest.raises(openai.BadRequestError) as refusal:
        client.uploads.complete(upload.id, part_ids=parts, md5="0" * 32)

    assert refusal.value.type == "invalid_request_error"
    assert client.uploads.complete(upload.id, part_ids=parts, md5=MD5).status == "completed"


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
def test_byte_count_must_be_the_declared_one(client: openai.OpenAI, size: int) -> None:
    upload = begin(client, size)
    parts = send(client, upload, DATA)

    with pytest.raises(openai.BadRequestError):
        client.uploads.complete(upload.id, part_ids=parts)


def test_unknown_part_is_refused(client: openai.OpenAI) -> None:
    upload = begin(client)

    with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
        client.uploads.complete(upload.id, part_ids=["part_missing"])


def test_cancelled_upload_accepts_no_parts(client: openai.OpenAI) -> None:
    upload = begin(client)

    assert client.uploads.cancel(upload.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError):
        client.uploads.parts.create(upload.id, data=DATA)


def test_completed_upload_accepts_no_parts(client: openai.OpenAI) -> None:
    upload = begin(client)
    client.uploads.complete(upload.id, part_ids=send(client, upload, DATA))

    with pytest.raises(openai.BadRequestError):
        client.uploads.parts.create(upload.id, data=DATA)


def test_missing_upload_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.uploads.cancel("upload_missing")


def test_helper_sends_a_file_in_chunks_that_train(
    client: openai.OpenAI, jsonl: Callable[..., bytes], trained: Any, tmp_path: Path
) -> None:
    path = tmp_path / "chunked.jsonl"
    path.write_bytes(jsonl())
    md5 = hashlib.md5(jsonl(), usedforsecurity=False).hexdigest()

    upload = client.uploads.upload_file_chunked(
        file=path, mime_type="text/jsonl", purpose="fine-tune", part_size=300, md5=md5
    )

    assert upload.file is not None
    assert client.files.content(upload.file.id).content == jsonl()
    assert trained(training_file=upload.file.id).status == "succeeded"


def test_helper_sends_bytes_in_chunks(client: openai.OpenAI) -> None:
    upload = client.uploads.upload_file_chunked(
        file=DATA, filename="b.jsonl", bytes=len(DATA), mime_type="text/jsonl", purpose="batch", part_size=5
    )

    assert upload.file is not None
    assert (upload.file.purpose, client.files.content(upload.file.id).content) == ("batch", DATA)
