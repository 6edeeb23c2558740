"""Lists as services return them: without `has_more` or `data`, and with elements that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import InvalidResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
COUNT = 5
LIST = "/fine_tuning/jobs"


@pytest.fixture
def client(service: Emulator) -> Iterator[Client]:
    settings = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, max_retries=4)
    client = Client(settings)
    yield client
    client.close()


@pytest.fixture
def ids(client: Client, training_data: Path) -> list[str]:
    """Ids of some jobs, newest first."""
    with training_data.open("rb") as content:
        file = client.upload_file("a.jsonl", content, purpose="fine-tune")
    body = {"model": MODEL, "training_file": file.id}
    return [client.create_job(body).id for _ in range(COUNT)][::-1]


def edit(service: Emulator, *edits: dict[str, Any], path: str = LIST) -> None:
    service.fault("GET", path, "edit", times=None, edits=list(edits))


def requests(service: Emulator, path: str = f"/v1{LIST}") -> int:
    return len(service.journal(method="GET", path=path))


@pytest.mark.parametrize("has_more", [{"value": None}, {}, {"value": "maybe"}, {"value": []}], ids=repr)
def test_list_without_has_more_is_read_to_its_end(
    client: Client, service: Emulator, ids: list[str], has_more: dict[str, Any]
) -> None:
    edit(service, {"path": "has_more", **has_more})

    assert [job.id for job in client.jobs()] == ids
    assert requests(service) == 2


def test_pages_without_has_more_are_followed(
    client: Client, service: Emulator, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulumi_openai_ft._client.client._ListOptions.page_size", 2)
    edit(service, {"path": "has_more", "value": None})

    assert [job.id for job in client.jobs()] == ids
    assert requests(service) == 4


@pytest.mark.parametrize("has_more", [None, True])
def test_repeated_page_ends_the_list(
    client: Client, service: Emulator, ids: list[str], *, has_more: bool | None
) -> None:
    """As from a service that ignores `after`."""
    first = {"object": "list", "data": [{"id": id_} for id_ in ids], "has_more": has_more, "last_id": None}
    service.fault("GET", LIST, "status", status=200, body=first, times=None)

    assert [job.id for job in client.jobs()] == ids
    assert requests(service) == 2


def test_limit_needs_no_further_page(client: Client, service: Emulator, ids: list[str]) -> None:
    edit(service, {"path": "has_more"})

    assert [job.id for job in client.jobs(limit=2)] == ids[:2]
    assert requests(service) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": None, "has_more": False},
        {"object": "list", "data": None, "has_more": None, "first_id": None, "last_id": None},
        {"data": None},
        {"object": "list"},
        {"object": "list", "data": None, "total": 0, "error": None, "request_id": "r"},
    ],
    ids=repr,
)
def test_null_data_is_an_empty_list(client: Client, service: Emulator, body: dict[str, Any]) -> None:
    service.fault("GET", "*", "status", status=200, body=body, times=None)

    assert [*client.jobs(), *client.files(), *client.models()] == []


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": None, "has_more": True},
        {"object": "list", "data": None, "last_id": "ftjob-1"},
        {"object": "list", "data": None, "first_id": "ftjob-1"},
        {"object": "list", "data": None, "total": 3},
        {"data": None, "error": {"message": "overloaded"}},
        {"data": None, "jobs": [{"id": "ftjob-1"}]},
        {"object": "list", "data": {"id": "ftjob-1"}},
        {"object": "list", "data": "none"},
        {"error": "overloaded"},
        {},
    ],
    ids=repr,
)
def test_contradicted_null_data_is_an_error(client: Client, service: Emulator, body: dict[str, Any]) -> None:
    service.fault("GET", "*", "status", status=200, body=body, times=None)

    for read in (client.jobs, client.files, client.models):
        with pytest.raises(InvalidResponseError, match="not a valid list of") as caught:
            list(read(unreadable=[]))
        assert caught.value.tries == 1


def test_unreadable_elements_are_left_out_with_their_reasons(
    client: Client, service: Emulator, ids: list[str]
) -> None:
    edit(service, {"path": "data.1.id", "value": None}, {"path": "data.3", "value": "odd"})
    reasons: list[str] = []

    found = [job.id for job in client.jobs(unreadable=reasons)]

    assert found == [ids[0], ids[2], ids[4]]
    assert [reason.split(":")[0] for reason in reasons] == ["data.1", "data.3"]


@pytest.mark.usefixtures("ids")
def test_unreadable_element_is_an_error_by_default(client: Client, service: Emulator) -> None:
    edit(service, {"path": "data.1.id"})

    with pytest.raises(InvalidResponseError, match=r"data\.1: id: Field required") as caught:
        list(client.jobs())

    assert caught.value.tries == 1


def test_object_is_known_by_its_requested_id(client: Client, service: Emulator, ids: list[str]) -> None:
    edit(service, {"path": "id", "value": None}, path=f"{LIST}/*")

    assert client.job(ids[0]).id == ids[0]


@pytest.mark.parametrize("status", [{}, {"value": None}, {"value": 7}])
def test_requested_job_needs_its_status(
    client: Client, service: Emulator, ids: list[str], status: dict[str, Any]
) -> None:
    edit(service, {"path": "status", **status}, path=f"{LIST}/*")

    with pytest.raises(InvalidResponseError, match="not a valid Job: status: Field required"):
        client.job(ids[0])


@pytest.mark.parametrize("steps", [[1, 3, 2], [3, 2, 1], [1, 2, None], [None, None, None]])
def test_checkpoints_come_last_step_first(client: Client, service: Emulator, steps: list[int | None]) -> None:
    checkpoints = [
        {"id": f"ftckpt_{number}", "fine_tuned_model_checkpoint": "ft:m", "step_number": step}
        for number, step in enumerate(steps)
    ]
    service.fault("GET", "*", "status", status=200, body={"data": checkpoints, "has_more": False}, times=None)

    found = [checkpoint.step_number for checkpoint in client.checkpoints("ftjob-1")]
    first = [checkpoint.step_number for checkpoint in client.checkpoints("ftjob-1", limit=1)]

    assert found == sorted(steps, key=lambda step: step or 0, reverse=True)
    assert first == found[:1]
