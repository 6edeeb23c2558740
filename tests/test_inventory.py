from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.support import API_KEY, write_training_data

from pulumi_openai_ft import get_file, get_files, get_model, get_models
from pulumi_openai_ft._client.client import connect
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture(autouse=True)
def _settings(service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    yield
    connect(Settings.resolve(lambda _key: None)).close()


@pytest.fixture
def file_id(tmp_path: Path) -> str:
    with write_training_data(tmp_path / "data.jsonl").open("rb") as content:
        return (
            connect(Settings.resolve(lambda _key: None))
            .upload_file("data.jsonl", content, purpose="evals")
            .id
        )


def test_a_file_is_found_by_its_id(file_id: str) -> None:
    found = get_file(file_id)

    assert (found.id, found.filename, found.purpose, found.status) == (
        file_id,
        "data.jsonl",
        "evals",
        "processed",
    )


def test_files_are_found_by_their_purpose(file_id: str) -> None:
    assert [file.id for file in get_files(purpose="evals", limit=5).files] == [file_id]
    assert get_files(purpose="fine-tune").files == []


def test_a_model_is_found_by_its_name() -> None:
    assert get_model("gpt-4o-mini-2024-07-18").shutdown_date == "2027-01-14"
    with pytest.raises(NotFoundError, match="gpt-nobody"):
        get_model("gpt-nobody")


def test_models_are_found_by_their_owner() -> None:
    assert len(get_models(owned_by="system", limit=2).models) == 2
    assert get_models(owned_by="nobody").models == []
