from __future__ import annotations

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import WALL, FakeClock
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client, connect
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.errors import InputError, InvalidResponseError, NotFoundError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.emulator import Emulator

CHECKPOINT = "ft:m:o::abc"


@pytest.fixture
def client(service: Emulator) -> Iterator[Client]:
    settings = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, max_retries=0)
    client = Client(settings)
    yield client
    client.close()


def test_threads_share_one_client_per_settings() -> None:
    barrier = Barrier(64)

    def connect_at_once(_number: int) -> Client:
        barrier.wait()
        return connect(Settings(api_key="sk-proj-of-this-test-alone"))

    with ThreadPoolExecutor(64) as pool:
        clients = set(map(id, pool.map(connect_at_once, range(64))))

    assert len(clients) == 1
    assert id(connect(Settings(api_key="sk-proj-of-this-test-too"))) not in clients


def test_clients_are_shared_per_time_source() -> None:
    settings, clock = Settings(api_key="sk-proj-of-this-test"), FakeClock(WALL)

    client = connect(settings, TimeSource(sleep=clock.sleep))

    assert connect(settings, TimeSource(sleep=clock.sleep)) is client
    assert connect(settings) is not client


def test_client_needs_no_key_before_first_request() -> None:
    client = Client(Settings())

    client.close()


REQUESTS: dict[str, Callable[[Client], Any]] = {
    "create_job": lambda client: client.create_job({}),
    "job": lambda client: client.job("ftjob-1"),
    "jobs": lambda client: list(client.jobs()),
    "cancel_job": lambda client: client.cancel_job("ftjob-1"),
    "events": lambda client: list(client.events("ftjob-1")),
    "checkpoints": lambda client: list(client.checkpoints("ftjob-1")),
    "file": lambda client: client.file("file-1"),
    "files": lambda client: list(client.files()),
    "model": lambda client: client.model("m"),
    "models": lambda client: list(client.models()),
    "begin_upload": lambda client: client.begin_upload("a", purpose="batch", size=1, mime_type="text/plain"),
    "add_part": lambda client: client.add_part("upload_1", io.BytesIO(b"1")),
    "complete_upload": lambda client: client.complete_upload("upload_1", ["part_1"], "0"),
    "cancel_upload": lambda client: client.cancel_upload("upload_1"),
    "permissions": lambda client: list(client.permissions(CHECKPOINT)),
    "grant_permissions": lambda client: client.grant_permissions(CHECKPOINT, ["proj_b"]),
}


@pytest.mark.parametrize("body", [{}, [], None, "fine", {"id": ["a-secret"], "data": [{"id": ["a-secret"]}]}])
@pytest.mark.parametrize("name", REQUESTS)
def test_malformed_response_raises_error_with_reason(
    name: str, body: object, client: Client, service: Emulator
) -> None:
    service.fault("*", "*", "status", status=200, body=json.dumps(body))

    with pytest.raises(InvalidResponseError, match=r"application/json, not a valid \w+") as caught:
        REQUESTS[name](client)

    assert caught.value.may_have_acted
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize("id_", ["", ".", ".."])
@pytest.mark.parametrize(
    "method", [Client.file, Client.delete_file, Client.job, Client.model, Client.delete_model]
)
def test_empty_or_relative_id_raises_input_error(
    method: Callable[..., Any], id_: str, client: Client, service: Emulator
) -> None:
    with pytest.raises(InputError, match=f"^invalid id '{id_}' for /"):
        method(client, id_)

    assert service.journal() == []


def test_complete_upload_joins_parts_in_requested_order(client: Client) -> None:
    expiry = {"anchor": "created_at", "seconds": 3600}
    upload = client.begin_upload(
        "a.jsonl", purpose="fine-tune", size=6, mime_type="text/jsonl", expires_after=expiry
    )
    parts = [client.add_part(upload.id, io.BytesIO(data)) for data in (b"def", b"abc")]
    md5 = hashlib.md5(b"abcdef", usedforsecurity=False).hexdigest()

    completed = client.complete_upload(upload.id, [parts[1].id, parts[0].id], md5)

    assert completed.file
    assert (completed.status, completed.file.bytes) == ("completed", 6)
    assert (completed.file.expires_at or 0) - (completed.file.created_at or 0) == 3600
    assert client.content(completed.file.id, b"".join) == b"abcdef"


def test_cancelled_upload_rejects_parts(client: Client) -> None:
    upload = client.begin_upload("a.jsonl", purpose="fine-tune", size=6, mime_type="text/jsonl")

    assert client.cancel_upload(upload.id).status == "cancelled"
    with pytest.raises(ServiceError):
        client.add_part(upload.id, io.BytesIO(b"abc"))


def test_content_returns_uploaded_bytes(client: Client) -> None:
    content = bytes(range(256)) * 999
    file = client.upload_file("data.jsonl", io.BytesIO(content), purpose="fine-tune")

    assert client.content(file.id, b"".join) == content


def test_all_sessions_use_time_source_of_client(service: Emulator) -> None:
    clock = FakeClock(WALL)
    settings = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url)
    client = Client(settings, clock.time)
    service.fault("GET", "/v1/models", "status", status=429, headers={"Retry-After": "3"})
    service.fault("GET", "/v1/fine_tuning/*", "status", status=429, headers={"Retry-After": "4"})

    list(client.models())
    with pytest.raises(NotFoundError):
        list(client.permissions(CHECKPOINT))
    client.close()

    assert clock.pauses == [3, 4, 6]
