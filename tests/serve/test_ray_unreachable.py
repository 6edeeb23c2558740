"""The engine `ray` without a cluster: nothing but the training runs waits."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.serve.servers import running
from tests.serve.services import RunningService, messages, train, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

TOKEN = "0123456789abcdef0123456789abcdef"
ENGINE = '[engine]\ntype = "ray"\naddress = "{address}"\ntoken_env = "A_TOKEN"\n'


def service_on(folder: Path, address: str) -> RunningService:
    service = RunningService.create(folder, more=ENGINE.format(address=address))
    service.environment = {"A_TOKEN": TOKEN}
    return service


async def another_server(scope: Scope, receive: Receive, send: Send) -> None:
    """Return a page for each request."""
    if scope["type"] == "http":
        await receive()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
        )
        await send({"type": "http.response.body", "body": b"<h1>Welcome</h1>"})


def assert_job_waits(service: RunningService, expected: str) -> None:
    with service, service.client() as client:
        job = train(client).id
        wait_for(client, job, "queued", until=lambda _: expected in str(messages(client, job)))
        assert client.fine_tuning.jobs.cancel(job).status == "cancelled"
        assert service.stop() == 0
        assert TOKEN not in service.log()
        assert "Traceback" not in service.log()


def test_a_job_waits_for_an_unreachable_cluster(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert_job_waits(service_on(tmp_path, f"http://127.0.0.1:{port}"), "The Ray cluster does not respond")


def test_a_job_waits_if_another_server_responds(tmp_path: Path) -> None:
    with running(another_server) as url:
        assert_job_waits(service_on(tmp_path, url), "does not respond like Ray")
