from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support import API_KEY

from pulumi_openai_ft import get_fine_tuning_events
from pulumi_openai_ft.errors import NotFoundError
from pulumi_openai_ft.file import FileProvider
from pulumi_openai_ft.fine_tuning_job import FineTuningJobProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def job_id(
    configure: Callable[..., Any], training_data: Path, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    file = configure(FileProvider).create({"file": str(training_data)})
    job = configure(FineTuningJobProvider).create(
        {"model": "gpt-4o-mini-2024-07-18", "training_file": file.id}
    )
    found: str = job.id
    return found


def test_events_come_newest_first_and_all_of_them(job_id: str) -> None:
    found = get_fine_tuning_events(job_id)

    assert found.fine_tuning_job_id == job_id
    assert "completed" in found.events[0].message
    assert "created" in found.events[-1].message.lower()
    assert len(found.events) > 20


def test_a_limit_limits(job_id: str) -> None:
    assert len(get_fine_tuning_events(job_id, limit=3).events) == 3


def test_more_events_than_one_page_are_all_there(job_id: str, service: Emulator) -> None:
    get_fine_tuning_events(job_id)

    pages = [entry for entry in service.journal() if entry.path.endswith("/events")]
    assert all("limit=100" in (entry.query or "") for entry in pages)


@pytest.mark.usefixtures("job_id")
def test_an_unknown_job_is_named() -> None:
    with pytest.raises(NotFoundError, match="ftjob-nobody"):
        get_fine_tuning_events("ftjob-nobody")
