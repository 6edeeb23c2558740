from __future__ import annotations

import base64
import csv
import io
from typing import TYPE_CHECKING, Any

import openai
import pytest

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b'{"messages": []}\n\x00\xff\r\n\xe2\x82\xac'


def test_file_from_a_path_keeps_name_size_and_purpose(client: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "répönses.jsonl"
    path.write_bytes(CONTENT)

    file = client.files.create(file=path, purpose="fine-tune")

    assert file.id.startswith("file-")
    assert (file.filename, file.bytes, file.purpose) == (path.name, len(CONTENT), "fine-tune")
    assert file.expires_at is None


def test_an_open_stream_is_read_to_its_end(client: openai.OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "open.jsonl"
    path.write_bytes(CONTENT * 100_000)

    with path.open("rb") as stream:
        file = client.files.create(file=stream, purpose="fine-tune")

    assert (file.filename, file.bytes) == ("open.jsonl", len(CONTENT) * 100_000)


@pytest.mark.parametrize("purpose", ["assistants", "batch", "fine-tune", "vision", "user_data"])
def test_every_purpose_comes_back(client: openai.OpenAI, purpose: Any) -> None:
    file = client.files.create(file=("a.jsonl", b"{}"), purpose=purpose)

    assert client.files.retrieve(file.id).purpose == purpose


def test_purpose_evals_can_be_used(service: Any, connect: Any) -> None:
    """Use a lenient client: the client's type of a file's purpose omits `evals`, which its request type
    allows.
    """
    lenient = connect(service, service.key, _strict_response_validation=False)

    assert lenient.files.create(file=("a.jsonl", b"{}"), purpose="evals").purpose == "evals"


def test_expiry_counts_from_creation(client: openai.OpenAI) -> None:
    file = client.files.create(
        file=("a.jsonl", b"{}"), purpose="fine-tune", expires_after={"anchor": "created_at", "seconds": 3600}
    )

    assert file.expires_at == file.created_at + 3600
    assert client.files.retrieve(file.id) == file


def test_retrieve_agrees_with_create(client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", CONTENT), purpose="fine-tune")

    assert client.files.wait_for_processing(file.id, poll_interval=0.01).status == "processed"
    assert client.files.retrieve(file.id).model_dump(exclude={"status"}) == file.model_dump(
        exclude={"status"}
    )


def test_content_comes_back_byte_for_byte(client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", CONTENT), purpose="fine-tune")

    assert client.files.content(file.id).content == CONTENT


def test_content_can_be_streamed(client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", CONTENT * 50_000), purpose="fine-tune")

    with client.files.with_streaming_response.content(file.id) as response:
        assert b"".join(response.iter_bytes()) == CONTENT * 50_000


def test_waiting_helper_returns_once_the_file_is_processed(connect: Any) -> None:
    with Emulator() as running:
        running.settings.file_processing_seconds = 0.1
        client = connect(running)
        file = client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune")

        assert file.status == "uploaded"
        assert client.files.wait_for_processing(file.id, poll_interval=0.01).status == "processed"


def test_projects_do_not_see_each_others_files(emulator: Emulator, connect: Any) -> None:
    owner, other = connect(emulator, project="proj_a"), connect(emulator, project="proj_b")
    file = owner.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune")

    assert list(owner.files.list()) == [file]
    assert list(other.files.list()) == []
    with pytest.raises(openai.NotFoundError):
        other.files.retrieve(file.id)


@pytest.fixture
def five_files(client: openai.OpenAI) -> list[str]:
    """Upload files 0 to 4, and return their ids; 1 and 3 are for batches."""
    purposes: list[Any] = ["fine-tune", "batch", "fine-tune", "batch", "fine-tune"]
    files = [
        client.files.create(file=(f"{number}.jsonl", b"{}"), purpose=purpose)
        for number, purpose in enumerate(purposes)
    ]
    return [file.id for file in files]


def test_files_are_listed_newest_first(client: openai.OpenAI, five_files: list[str]) -> None:
    assert [file.id for file in client.files.list()] == five_files[::-1]


def test_files_can_be_listed_oldest_first(client: openai.OpenAI, five_files: list[str]) -> None:
    assert [file.id for file in client.files.list(order="asc")] == five_files


def test_files_can_be_listed_by_purpose(client: openai.OpenAI, five_files: list[str]) -> None:
    assert [file.id for file in client.files.list(purpose="batch")] == [five_files[3], five_files[1]]


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_of_files_join_without_gap(client: openai.OpenAI, five_files: list[str], limit: int) -> None:
    pages = list(client.files.list(limit=limit, order="asc").iter_pages())

    assert [file.id for page in pages for file in page.data] == five_files
    assert [len(page.data) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_listing_continues_after_a_file(client: openai.OpenAI, five_files: list[str]) -> None:
    page = client.files.list(after=five_files[3], limit=2)

    assert [file.id for file in page.data] == [five_files[2], five_files[1]]


def test_a_deleted_file_is_not_found(client: openai.OpenAI, five_files: list[str]) -> None:
    deleted = client.files.delete(five_files[2])

    assert (deleted.id, deleted.deleted, deleted.object) == (five_files[2], True, "file")
    assert five_files[2] not in [file.id for file in client.files.list()]
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(five_files[2])
    with pytest.raises(openai.NotFoundError):
        client.files.content(five_files[2])


def test_result_file_is_a_csv_in_base64(client: openai.OpenAI, trained: Any) -> None:
    """Expect a row for each step: ten examples in batches of two make five steps per epoch."""
    hyperparameters = {"n_epochs": 2, "batch_size": 2}
    job = trained(method={"type": "supervised", "supervised": {"hyperparameters": hyperparameters}})

    file = client.files.retrieve(job.result_files[0])
    text = base64.b64decode(client.files.content(file.id).content, validate=True).decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    assert file.purpose == "fine-tune-results"
    assert file.filename.endswith(".csv")
    assert [row["step"] for row in rows] == [str(step) for step in range(1, 11)]
    assert all(float(row["train_loss"]) > 0 for row in rows)
    assert [found.id for found in client.files.list(purpose="fine-tune-results")] == [file.id]
