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

from pulumi_openai_ft._client.client import Api, connect
from pulumi_openai_ft._client.rate_limit import Time
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import InputError, NotFoundError, ServiceError, UnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.emulator import Emulator

CHECKPOINT = "ft:m:o::abc"


@pytest.fixture
def api(service: Emulator) -> Iterator[Api]:
    settings = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, max_retries=0)
    api = Api(settings)
    yield api
    api.close()


def test_all_threads_get_the_same_service_for_the_same_settings() -> None:
    barrier = Barrier(64)

    def ask(_number: int) -> Api:
        barrier.wait()
        return connect(Settings(api_key="sk-proj-of-this-test-alone"))

    with ThreadPoolExecutor(64) as pool:
        services = set(map(id, pool.map(ask, range(64))))

    assert len(services) == 1
    assert id(connect(Settings(api_key="sk-proj-of-this-test-too"))) not in services


def test_one_service_is_shared_by_all_who_have_the_same_time() -> None:
    settings, sleeper = Settings(api_key="sk-proj-of-this-test"), FakeClock(WALL)

    assert connect(settings, Time(sleep=sleeper.sleep)) is connect(settings, Time(sleep=sleeper.sleep))
    assert connect(settings, Time(sleep=sleeper.sleep)) is not connect(settings)


def test_nothing_is_opened_before_it_is_needed() -> None:
    api = Api(Settings())

    api.close()


CALLS: dict[str, Callable[[Api], Any]] = {
    "create_job": lambda api: api.create_job({}),
    "job": lambda api: api.job("ftjob-1"),
    "jobs": lambda api: list(api.jobs()),
    "cancel_job": lambda api: api.cancel_job("ftjob-1"),
    "events": lambda api: list(api.events("ftjob-1")),
    "checkpoints": lambda api: list(api.checkpoints("ftjob-1")),
    "file": lambda api: api.file("file-1"),
    "files": lambda api: list(api.files()),
    "model": lambda api: api.model("m"),
    "models": lambda api: list(api.models()),
    "begin_upload": lambda api: api.begin_upload("a", purpose="batch", size=1, mime_type="text/plain"),
    "add_part": lambda api: api.add_part("upload_1", io.BytesIO(b"1")),
    "complete_upload": lambda api: api.complete_upload("upload_1", ["part_1"], "0"),
    "cancel_upload": lambda api: api.cancel_upload("upload_1"),
    "permissions": lambda api: list(api.permissions(CHECKPOINT)),
    "grant_permissions": lambda api: api.grant_permissions(CHECKPOINT, ["proj_b"]),
}


@pytest.mark.parametrize("body", [{}, [], None, "fine", {"id": ["a-secret"], "data": [{"id": ["a-secret"]}]}])
@pytest.mark.parametrize("name", CALLS)
def test_an_answer_that_is_no_object_of_the_api_is_an_error_with_a_reason(
    name: str, body: object, api: Api, service: Emulator
) -> None:
    service.fault("*", "*", "status", status=200, body=json.dumps(body))

    with pytest.raises(UnreadableAnswerError, match=r"application/json, no \w+") as caught:
        CALLS[name](api)

    assert caught.value.may_have_acted
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize("id_", ["", ".", ".."])
@pytest.mark.parametrize("call", [Api.file, Api.delete_file, Api.job, Api.model, Api.delete_model])
def test_no_id_addresses_something_else_than_an_object(
    call: Callable[..., Any], id_: str, api: Api, service: Emulator
) -> None:
    with pytest.raises(InputError, match=f"^an id is '{id_}': nothing below /"):
        call(api, id_)

    assert service.journal() == []


def test_a_file_is_made_of_parts_in_the_order_that_is_named_last(api: Api) -> None:
    expiry = {"anchor": "created_at", "seconds": 3600}
    upload = api.begin_upload(
        "a.jsonl", purpose="fine-tune", size=6, mime_type="text/jsonl", expires_after=expiry
    )
    parts = [api.add_part(upload.id, io.BytesIO(data)) for data in (b"def", b"abc")]
    md5 = hashlib.md5(b"abcdef", usedforsecurity=False).hexdigest()

    done = api.complete_upload(upload.id, [parts[1].id, parts[0].id], md5)

    assert done.file
    assert (done.status, done.file.bytes) == ("completed", 6)
    assert (done.file.expires_at or 0) - done.file.created_at == 3600
    assert api.content(done.file.id, b"".join) == b"abcdef"


def test_a_cancelled_upload_takes_nothing_more(api: Api) -> None:
    upload = api.begin_upload("a.jsonl", purpose="fine-tune", size=6, mime_type="text/jsonl")

    assert api.cancel_upload(upload.id).status == "cancelled"
    with pytest.raises(ServiceError):
        api.add_part(upload.id, io.BytesIO(b"abc"))


def test_content_is_what_is_made_of_its_parts(api: Api) -> None:
    content = bytes(range(256)) * 999
    file = api.upload_file("data.jsonl", io.BytesIO(content), purpose="fine-tune")

    assert api.content(file.id, b"".join) == content


def test_all_connections_of_a_service_wait_in_the_time_that_it_got(service: Emulator) -> None:
    sleeper = FakeClock(WALL)
    settings = Settings(
        api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, admin_requests_per_minute=0
    )
    api = Api(settings, sleeper.time)
    service.fault("GET", "/v1/models", "status", status=429, headers={"Retry-After": "3"})
    service.fault("GET", "/v1/fine_tuning/*", "status", status=429, headers={"Retry-After": "4"})

    list(api.models())
    with pytest.raises(NotFoundError):
        list(api.permissions(CHECKPOINT))
    api.close()

    assert sleeper.pauses == [3, 4]
