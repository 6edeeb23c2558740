from __future__ import annotations

import io
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.support import API_KEY

from pulumi_openai_ft._client.error_mapping import RequestContext
from pulumi_openai_ft._client.transport import (
    BLOCK_SIZE,
    MAX_CONNECTIONS,
    ConnectionPool,
    Form,
    PoolKey,
    shared,
)
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import ServiceTimeoutError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft._client.requests import Session
    from pulumi_openai_ft.emulator import Emulator

JOBS = "/fine_tuning/jobs"
KEY = PoolKey("http://127.0.0.1:1/v1", (), None)


def test_threads_send_requests_in_parallel(service: Emulator, open_session: Callable[..., Session]) -> None:
    session, barrier = open_session(service), Barrier(MAX_CONNECTIONS)

    def send_at_once(_number: int) -> None:
        barrier.wait()
        session.request("GET", JOBS)

    with ThreadPoolExecutor(MAX_CONNECTIONS) as threads:
        list(threads.map(send_at_once, range(MAX_CONNECTIONS)))

    assert len(service.journal(method="GET", path="/v1/fine_tuning/jobs")) == MAX_CONNECTIONS


def test_sequential_requests_reuse_one_connection() -> None:
    pool = ConnectionPool(KEY)
    used = []
    for _ in range(3):
        with pool._connection(0) as client:
            used.append(client)

    pool.close()

    assert used[0] is used[1] is used[2]


@pytest.mark.long
@pytest.mark.parametrize(("idle", "connections"), [(3.5, 1), (4.5, 2)])
def test_idle_connections_close_before_servers_close_them(idle: float, connections: int) -> None:
    """Common servers close a connection after 5 idle seconds; a POST must not meet that."""
    with echo_server() as (url, peers):
        pool = ConnectionPool(PoolKey(url, (), None))
        for pause in (0, idle):
            time.sleep(pause)
            with pool._connection(0) as client:
                client.post("/")
        pool.close()

    assert len(set(peers)) == connections


@contextmanager
def echo_server() -> Iterator[tuple[str, list[int]]]:
    """Serve requests over persistent connections. Yield the URL and the client's port of each request."""
    peers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            peers.append(self.client_address[1])
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", peers
        server.shutdown()


def test_simultaneous_requests_use_separate_connections() -> None:
    pool = ConnectionPool(KEY)
    with pool._connection(0) as first, pool._connection(0) as second:
        assert first is not second
    with pool._connection(0) as again:
        assert again is first

    pool.close()

    assert first.is_closed
    assert second.is_closed


def test_busy_pool_raises_timeout_until_connection_is_released() -> None:
    pool = ConnectionPool(KEY)
    with ExitStack() as connections:
        for _ in range(MAX_CONNECTIONS):
            connections.enter_context(pool._connection(0))

        with pytest.raises(httpx.PoolTimeout, match="in use"), pool._connection(0):
            pass

    with pool._connection(0):
        pass
    pool.close()


def test_send_reports_busy_pool_as_timeout() -> None:
    pool = ConnectionPool(KEY)
    context = RequestContext(Settings(api_key=API_KEY, timeout=0), admin=False, method="POST", path=JOBS)
    with ExitStack() as connections:
        for _ in range(MAX_CONNECTIONS):
            connections.enter_context(pool._connection(0))

        with pytest.raises(ServiceTimeoutError, match="no connection became available in 0 s") as caught:
            pool.send(context, {"json": {}})
    pool.close()

    assert not caught.value.may_have_acted


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_send_returns_response_of_any_status(status: int) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, headers={"a": "b"}, text="body"))
    pool = ConnectionPool(PoolKey(KEY.base_url, (), transport))

    response = pool.send(RequestContext(Settings(api_key=API_KEY), admin=False, method="GET", path=JOBS), {})
    pool.close()

    assert (response.status, response.headers["A"], response.content) == (status, "b", b"body")


def test_failure_to_connect_does_not_exhaust_the_pool() -> None:
    pool = ConnectionPool(PoolKey("http://a:no-port", (), None))

    for _ in range(MAX_CONNECTIONS + 1):
        with pytest.raises(SettingsError, match="check openai-ft:baseUrl"), pool._connection(0):
            pass


def test_sessions_with_same_key_and_service_share_connections(
    service: Emulator, open_session: Callable[..., Session]
) -> None:
    same = [
        open_session(service),
        open_session(service, timeout=1.0),
        open_session(service, poll_interval=3.0),
    ]
    others = [open_session(service, admin=True), open_session(service, project="proj_b")]

    assert len({id(session._connections()) for session in same}) == 1
    assert len({id(session._connections()) for session in same + others}) == 3


def test_last_session_to_close_closes_the_connections(
    service: Emulator, open_session: Callable[..., Session]
) -> None:
    first, second = (open_session(service, organization="org-of-this-test-alone") for _ in range(2))
    pool = first._connections()
    assert second._connections() is pool

    first.close()
    first.close()
    second.request("GET", JOBS)
    with pool._connection(0) as client:
        pass
    second.close()

    assert client.is_closed
    assert pool.address not in shared._open


def test_repr_of_open_connections_contains_no_key(
    service: Emulator, open_session: Callable[..., Session]
) -> None:
    open_session(service).request("GET", JOBS)

    assert service.url in repr(shared)
    assert API_KEY not in repr(shared)


CONTENT = bytes(range(256)) * 3000


def build_request(message: dict[str, Any]) -> httpx.Request:
    """Build the request that httpx sends for a message."""
    return httpx.Request("POST", "http://service", **message)


@pytest.mark.parametrize("filename", ["data.jsonl", "süß \\ 100%.jsonl"])
@pytest.mark.parametrize("content", [b"", CONTENT], ids=["empty", "large"])
def test_form_equals_the_multipart_body_of_httpx(filename: str, content: bytes) -> None:
    fields = {"purpose": "fine-tune", "expires_after[seconds]": "3600"}
    form = build_request(Form("file", filename, io.BytesIO(content), fields).message())
    boundary = form.headers["content-type"].encode().partition(b"boundary=")[2]

    reference = httpx.Request("POST", "http://service", data=fields, files={"file": (filename, content)})

    reference_boundary = reference.headers["content-type"].encode().partition(b"boundary=")[2]
    assert form.read() == reference.read().replace(reference_boundary, boundary)
    assert form.headers["content-length"] == reference.headers["content-length"]
    assert "transfer-encoding" not in form.headers


def test_form_rereads_file_in_blocks_for_every_send() -> None:
    content = io.BytesIO(CONTENT)
    message = Form("file", "data.jsonl", content).message()

    for _ in range(2):
        stream = build_request(message).stream
        assert isinstance(stream, httpx.SyncByteStream)
        blocks = list(stream)
        assert b"".join(blocks[1:-1]) == CONTENT
        assert max(map(len, blocks)) == BLOCK_SIZE


def test_every_form_has_a_unique_boundary() -> None:
    kinds = {Form("file", "a", io.BytesIO(b"")).message()["headers"]["content-type"] for _ in range(2)}

    assert len(kinds) == 2
    assert all(re.fullmatch(r"multipart/form-data; boundary=[0-9a-f]{32}", kind) for kind in kinds)
