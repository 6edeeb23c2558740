"""Functions called by a script that is not a Pulumi program."""

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

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

import asyncio
import inspect
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pulumi
from tests.support import ADMIN_KEY

import pulumi_openai_ft
from pulumi_openai_ft import get_fine_tuning_events, get_fine_tuning_events_output
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft.errors import InputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft._program.functions.lookups import LookupFunction
    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def job_id(
    configure: Configure, training_data: Path, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    file = configure(FileProvider).create({"file": str(training_data)})
    job = configure(FineTuningJobProvider).create(
        {"model": "gpt-4o-mini-2024-07-18", "training_file": file.id}
    )
    found: str = job.id
    return found


@pytest.mark.parametrize("lookup", LOOKUPS.values(), ids=LOOKUPS)
@pytest.mark.parametrize("suffix", ["", "_output"])
class TestEveryFunction:
    def test_takes_the_arguments_of_its_lookup(self, lookup: LookupFunction[Any], suffix: str) -> None:
        parameters = inspect.signature(getattr(pulumi_openai_ft, lookup.function + suffix)).parameters
        fields = lookup.arguments.model_fields

        assert set(parameters) - {"opts"} == set(fields)
        assert {name: parameters[name].default for name in fields if not fields[name].is_required()} == {
            name: field.default for name, field in fields.items() if not field.is_required()
        }

    def test_takes_required_arguments_by_position(self, lookup: LookupFunction[Any], suffix: str) -> None:
        parameters = inspect.signature(getattr(pulumi_openai_ft, lookup.function + suffix)).parameters
        by_position = [name for name, found in parameters.items() if found.kind is not found.KEYWORD_ONLY]

        assert by_position == [
            name for name, field in lookup.arguments.model_fields.items() if field.is_required()
        ]

    def test_documents_its_arguments(self, lookup: LookupFunction[Any], suffix: str) -> None:
        documentation = inspect.getdoc(getattr(pulumi_openai_ft, lookup.function + suffix)) or ""
        names = [*lookup.arguments.model_fields, "opts"]

        if suffix:
            assert documentation.startswith(f"Call `{lookup.function}` with outputs.")
        else:
            assert [name for name in names if f"\n    {name}: " not in documentation] == []


def test_all_events_are_returned_newest_first(job_id: str) -> None:
    found = get_fine_tuning_events(job_id)

    assert found.fine_tuning_job_id == job_id
    assert "completed" in found.events[0].message
    assert "created" in found.events[-1].message.lower()
    assert len(found.events) > 20


def test_a_limit_restricts_the_number_of_events(job_id: str) -> None:
    assert len(get_fine_tuning_events(job_id, limit=3).events) == 3


def test_events_are_requested_in_pages_of_100(job_id: str, service: Emulator) -> None:
    get_fine_tuning_events(job_id)

    pages = [entry for entry in service.journal() if entry.path.endswith("/events")]
    assert all("limit=100" in (entry.query or "") for entry in pages)


@pytest.mark.usefixtures("job_id")
def test_an_unknown_job_is_reported() -> None:
    with pytest.raises(NotFoundError, match="ftjob-unknown"):
        get_fine_tuning_events("ftjob-unknown")


@pytest.mark.usefixtures("job_id")
def test_an_error_carries_the_response_of_the_service() -> None:
    with pytest.raises(NotFoundError) as found:
        get_fine_tuning_events("ftjob-unknown")

    assert (found.value.status, found.value.code, found.value.tries) == (404, "fine_tune_not_found", 1)
    assert (found.value.request_id or "").startswith("req_")


def test_all_arguments_apply_together(job_id: str) -> None:
    found = get_fine_tuning_events(job_id, type="metrics", level="info", order="oldest", limit=2)

    assert [(event.data or {})["step"] for event in found.events] == [1, 2]


def test_a_missing_key_is_reported(monkeypatch: pytest.MonkeyPatch, service: Emulator) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with pytest.raises(SettingsError, match=r"^no API key is set: "):
        pulumi_openai_ft.get_files()


def test_permissions_are_read_with_the_admin_key(
    job_id: str, monkeypatch: pytest.MonkeyPatch, service: Emulator
) -> None:
    model = pulumi_openai_ft.get_fine_tuning_job(job_id).fine_tuned_model or ""
    with pytest.raises(SettingsError, match=r"^checkpoint permissions need an admin key: "):
        pulumi_openai_ft.get_fine_tuning_checkpoint_permissions(model)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", ADMIN_KEY)

    assert pulumi_openai_ft.get_fine_tuning_checkpoint_permissions(model).permissions == []
    assert "sk-admin-" in (service.journal()[-1].key or "")


def test_jobs_are_found_by_any_mapping(job_id: str) -> None:
    """For example, an object in a configuration is not necessarily a dict."""
    assert pulumi_openai_ft.get_fine_tuning_jobs(metadata=MappingProxyType({"team": "red"})).jobs == []
    assert [job.id for job in pulumi_openai_ft.get_fine_tuning_jobs(metadata={}).jobs] == [job_id]


def test_the_output_form_resolves_to_the_same_result(job_id: str) -> None:
    async def program() -> Any:
        return await get_fine_tuning_events_output(pulumi.Output.from_input(job_id), limit=2).future()

    assert asyncio.run(program()) == get_fine_tuning_events(job_id, limit=2)


def test_an_output_is_rejected_outside_the_output_form() -> None:
    async def program() -> Any:
        return get_fine_tuning_events(pulumi.Output.from_input("ftjob-1"))  # type: ignore[arg-type]

    with pytest.raises(InputError) as caught:
        asyncio.run(program())

    assert str(caught.value) == (
        "get_fine_tuning_events: fine_tuning_job_id is an output, and its value is not known yet: call "
        "get_fine_tuning_events_output instead"
    )


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
    with pytest.raises(NotFoundError, match="gpt-unknown"):
        get_model("gpt-unknown")


def test_models_are_found_by_their_owner() -> None:
    assert len(get_models(owned_by="system", limit=2).models) == 2
    assert get_models(owned_by="unknown").models == []
