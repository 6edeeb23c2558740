"""The engine `ray` without a cluster: nothing but the training runs waits."""

from __future__ import annotations

import fcntl
import socket
from typing import TYPE_CHECKING

from tests.serve.servers import running
from tests.serve.services import RunningService, messages, train, wait_for
from tests.serve.test_kills import wait_until

from pulumi_openai_ft.serve.engines.interface import Attempt, Cause, End
from pulumi_openai_ft.serve.engines.ray.client import RayClient
from pulumi_openai_ft.serve.engines.ray.engine import RayEngine
from pulumi_openai_ft.serve.engines.ray.shared_folder import SharedFolderCheck
from pulumi_openai_ft.serve.engines.ray.submission import MARKER, Command, Resources
from pulumi_openai_ft.serve.job_folder import JobFolder

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


def closed_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_a_job_waits_for_an_unreachable_cluster(tmp_path: Path) -> None:
    assert_job_waits(service_on(tmp_path, closed_address()), "The Ray cluster does not respond")


def test_a_result_counts_without_the_cluster(tmp_path: Path) -> None:
    """The job's folder is the only source of truth."""
    folder = JobFolder(tmp_path / "ftjob-a")
    folder.path.mkdir()
    folder.write_request({"attempt": 1})
    (folder.path / MARKER).write_text("ftjob-a-1")
    (folder.path / "process.json").write_text('{"pid": 1, "started": 1}')
    client, command = RayClient(closed_address(), lambda: TOKEN), Command("python", Resources())
    engine = RayEngine(client, command, SharedFolderCheck(client, command, tmp_path, []), seconds=0.05)
    engine.open()
    attempt = Attempt(folder, 1)
    wait_until(lambda: engine.state(attempt).notice != "")
    assert engine.state(attempt).end is None

    (folder.path / "result.json").write_text('{"status": "succeeded"}')
    with (folder.path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert engine.state(attempt).end is None, "the trainer has not exited"
    assert engine.state(attempt).end == End(Cause.UNKNOWN)
    engine.close()


def test_a_job_waits_if_another_server_responds(tmp_path: Path) -> None:
    with running(another_server) as url:
        assert_job_waits(service_on(tmp_path, url), "does not respond like Ray")
