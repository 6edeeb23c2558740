"""Every lookup function at a service that returns a field of its objects in an odd way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import (
    APIObject,
    Checkpoint,
    Event,
    FileObject,
    Job,
    Model,
    Permission,
)
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import InvalidResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator

LISTS: dict[str, tuple[str, type[APIObject], str]] = {
    "getFineTuningJobs": ("jobs", Job, "/fine_tuning/jobs"),
    "getFineTuningCheckpoints": ("checkpoints", Checkpoint, "*/checkpoints"),
    "getFineTuningEvents": ("events", Event, "*/events"),
    "getFineTuningCheckpointPermissions": ("permissions", Permission, "*/permissions"),
    "getFiles": ("files", FileObject, "/files"),
    "getModels": ("models", Model, "/models"),
}
"""The name of the list in the result, its objects, and the path of the request."""
SINGLE: dict[str, tuple[type[APIObject], str]] = {
    "getFineTuningJob": (Job, "/fine_tuning/jobs/*"),
    "getFile": (FileObject, "/files/*"),
    "getModel": (Model, "/models/*"),
}
REQUIRED = {(kind, "id") for _, kind, _ in LISTS.values()} | {
    (Checkpoint, "fine_tuned_model_checkpoint"),
    (Permission, "project_id"),
}
ODDITIES: list[dict[str, Any]] = [
    {"value": None},
    {},
    {"value": [None]},
    {"value": {"odd": {}}},
    {"value": True},
]


@dataclass(frozen=True)
class Account:
    """A service with an object of each kind."""

    api: Client
    given: dict[str, str]

    def look_up(self, name: str, **more: Any) -> tuple[Any, list[str]]:
        """The result of a function, and its warnings."""
        lookup, warnings = LOOKUPS[name], list[str]()
        needed = {key: value for key, value in self.given.items() if key in lookup.arguments.model_fields}
        arguments = lookup.check({**needed, **more})
        return lookup.read(arguments, lookup.answer(self.api, arguments, warnings.append)), warnings


@pytest.fixture
def account(service: Emulator, training_data: Path) -> Iterator[Account]:
    api = Client(Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, max_retries=4))
    with training_data.open("rb") as content:
        file = api.upload_file("a.jsonl", content, purpose="fine-tune")
    job = api.job(api.create_job({"model": "gpt-4o-mini-2024-07-18", "training_file": file.id}).id)
    model = job.fine_tuned_model or ""
    api.grant_permissions(model, ["proj_b", "proj_c"])
    given = {"fine_tuning_job_id": job.id, "file_id": file.id, "model_id": model, "checkpoint_id": model}
    yield Account(api, given)
    api.close()


def others(found: APIObject, name: str) -> dict[str, Any]:
    return {key: value for key, value in found.model_dump().items() if key != name}


@pytest.mark.parametrize("name", LISTS)
def test_list_omits_only_elements_without_a_required_field(
    name: str, account: Account, service: Emulator
) -> None:
    attribute, kind, path = LISTS[name]
    complete = getattr(account.look_up(name)[0], attribute)
    for field in kind.model_fields:
        for oddity in ODDITIES:
            service.fault("GET", path, "edit", edits=[{"path": f"data.0.{field}", **oddity}])
            result, warnings = account.look_up(name)
            service.clear_faults()

            found = getattr(result, attribute)
            if (kind, field) in REQUIRED:
                assert found == complete[1:]
                assert len(warnings) == 1
                assert (
                    f"omitted 1 of the objects that the service returned, because they cannot be read (data.0: {field}: "
                    in warnings[0]
                )
            else:
                assert warnings == []
                by_id = {entry.id: entry for entry in found}
                assert by_id.keys() == {entry.id for entry in complete}
                for entry in complete:
                    assert others(by_id[entry.id], field) == others(entry, field)


@pytest.mark.parametrize("name", SINGLE)
def test_object_is_returned_although_a_field_is_odd(name: str, account: Account, service: Emulator) -> None:
    kind, path = SINGLE[name]
    complete, _ = account.look_up(name)
    for field in set(kind.model_fields) - {"status"}:
        for oddity in ODDITIES:
            service.fault("GET", path, "edit", times=None, edits=[{"path": field, **oddity}])
            found, warnings = account.look_up(name)
            service.clear_faults()

            assert (others(found, field), warnings) == (others(complete, field), [])


def test_job_without_its_status_is_an_error(account: Account, service: Emulator) -> None:
    service.fault("GET", "/fine_tuning/jobs/*", "edit", times=None, edits=[{"path": "status"}])

    with pytest.raises(InvalidResponseError, match="status: Field required") as caught:
        account.look_up("getFineTuningJob")

    assert caught.value.tries == 1


def test_all_omitted_elements_have_one_warning(account: Account, service: Emulator) -> None:
    service.fault("GET", "/models", "edit", times=None, edits=[{"path": "data.*.id"}])

    result, warnings = account.look_up("getModels")

    assert result.models == []
    assert len(warnings) == 1


def test_events_without_time_keep_their_place(account: Account, service: Emulator) -> None:
    events, _ = account.look_up("getFineTuningEvents")
    edits = [{"path": f"data.{number}.created_at"} for number in (0, 2, 3)]
    service.fault("GET", "*/events", "edit", times=None, edits=edits)

    newest, _ = account.look_up("getFineTuningEvents")
    oldest, _ = account.look_up("getFineTuningEvents", order="oldest")

    ids = [event.id for event in events.events]
    assert [event.id for event in newest.events] == ids
    assert [event.id for event in oldest.events] == ids[::-1]
