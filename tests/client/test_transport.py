from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.support import API_KEY

from pulumi_openai_ft._client.transport import BLOCK, PARALLEL, Address, Connections, Form, shared
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft._client.http import Http
    from pulumi_openai_ft.emulator import Emulator

JOBS = "/fine_tuning/jobs"
ADDRESS = Address("http://127.0.0.1:1/v1", (), None)


def test_many_threads_ask_at_the_same_time(service: Emulator, opened: Callable[..., Http]) -> None:
    http, barrier = opened(service), Barrier(PARALLEL)

    def ask(_number: int) -> None:
        barrier.wait()
        http.request("GET", JOBS)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(ask, range(PARALLEL)))

    assert len(service.journal(method="GET", path="/v1/fine_tuning/jobs")) == PARALLEL


def test_one_request_after_another_goes_over_one_connection() -> None:
    connections = Connections(ADDRESS)
    used = []
    for _ in range(3):
        with connections.one(0) as client:
            used.append(client)

    connections.close()

    assert used[0] is used[1] is used[2]


def test_requests_at_the_same_time_have_a_connection_each() -> None:
    connections = Connections(ADDRESS)
    with connections.one(0) as first, connections.one(0) as second:
        assert first is not second
    with connections.one(0) as again:
        assert again is first

    connections.close()

    assert first.is_closed
    assert second.is_closed


def test_whoever_finds_all_connections_in_use_waits_for_one() -> None:
    connections = Connections(ADDRESS)
    lent = [connections.one(0) for _ in range(PARALLEL)]
    for connection in lent:
        connection.__enter__()

    with pytest.raises(httpx.PoolTimeout, match="in use"), connections.one(0):
        pass
    lent[0].__exit__(None, None, None)
    with connections.one(0):
        pass


def test_a_connection_that_cannot_be_opened_takes_no_place() -> None:
    connections = Connections(Address("http://a:no-port", (), None))

    for _ in range(PARALLEL + 1):
        with pytest.raises(SettingsError, match="check openai-ft:baseUrl"), connections.one(0):
            pass


def test_all_who_ask_a_service_with_one_key_share_connections(
    service: Emulator, opened: Callable[..., Http]
) -> None:
    same = [opened(service), opened(service, timeout=1.0), opened(service, poll_interval=3.0)]
    others = [opened(service, admin=True), opened(service, project="proj_b")]

    assert len({id(http._connections()) for http in same}) == 1
    assert len({id(http._connections()) for http in same + others}) == 3


def test_the_last_who_closes_ends_the_connections(service: Emulator, opened: Callable[..., Http]) -> None:
    first, second = (opened(service, organization="org-of-this-test-alone") for _ in range(2))
    connections = first._connections()
    assert second._connections() is connections

    first.close()
    first.close()
    second.request("GET", JOBS)
    with connections.one(0) as client:
        pass
    second.close()

    assert client.is_closed
    assert connections.address not in shared._open


def test_no_repr_of_open_connections_holds_a_key(service: Emulator, opened: Callable[..., Http]) -> None:
    opened(service).request("GET", JOBS)

    assert service.url in repr(shared)
    assert API_KEY not in repr(shared)


CONTENT = bytes(range(256)) * 3000


def sent(message: dict[str, Any]) -> httpx.Request:
    return httpx.Request("POST", "http://service", **message)


@pytest.mark.parametrize("filename", ["data.jsonl", "süß \\ 100%.jsonl"])
@pytest.mark.parametrize("content", [b"", CONTENT], ids=["empty", "large"])
def test_a_form_is_the_one_that_httpx_would_send(filename: str, content: bytes) -> None:
    fields = {"purpose": "fine-tune", "expires_after[seconds]": "3600"}
    ours = sent(Form("file", filename, io.BytesIO(content), fields).message())
    boundary = ours.headers["content-type"].encode().partition(b"boundary=")[2]

    theirs = httpx.Request("POST", "http://service", data=fields, files={"file": (filename, content)})

    theirs_boundary = theirs.headers["content-type"].encode().partition(b"boundary=")[2]
    assert ours.read() == theirs.read().replace(theirs_boundary, boundary)
    assert ours.headers["content-length"] == theirs.headers["content-length"]
    assert "transfer-encoding" not in ours.headers


def test_a_form_reads_its_file_from_the_beginning_each_time_that_it_is_sent_and_in_blocks() -> None:
    content = io.BytesIO(CONTENT)
    message = Form("file", "data.jsonl", content).message()

    for _ in range(2):
        blocks = list(sent(message).stream)
        assert b"".join(blocks[1:-1]) == CONTENT
        assert max(map(len, blocks)) == BLOCK


def test_no_two_forms_have_the_same_boundary() -> None:
    kinds = {Form("file", "a", io.BytesIO(b"")).message()["headers"]["content-type"] for _ in range(2)}

    assert len(kinds) == 2
    assert all(re.fullmatch(r"multipart/form-data; boundary=[0-9a-f]{32}", kind) for kind in kinds)
