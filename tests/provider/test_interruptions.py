"""An exception raised by `sleep` ends every wait unchanged, without a lost or duplicate object."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from tests.fake_clock import WALL
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._provider.file_manager import FileManager
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.idempotency import JobKeys
from pulumi_openai_ft._provider.job.manager import JobManager
from pulumi_openai_ft._provider.lost_response import poll_until_found
from pulumi_openai_ft._provider.permission_manager import PermissionManager
from pulumi_openai_ft._provider.upload.request import UploadRequest
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.errors import CommandInterruptedError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_openai_ft._client.objects import FileObject
    from pulumi_openai_ft.emulator import Emulator

INTERRUPTION = CommandInterruptedError("interrupted")
JOBS, PERMISSIONS = "/v1/fine_tuning/jobs", "/v1/fine_tuning/checkpoints/*/permissions"
DATA = b'{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}\n' * 12
MODEL = "gpt-4o-mini-2024-07-18"
KEYS = JobKeys(own="token", former=(), content="content", resource="resource")


def interrupt(_seconds: float) -> NoReturn:
    raise INTERRUPTION


@pytest.fixture
def make_client(service: Emulator) -> Iterator[Callable[..., Client]]:
    """Create clients of the service, by default of a process that is interrupted whenever it sleeps."""
    clients: list[Client] = []

    def make(time: TimeSource = TimeSource(sleep=interrupt), **settings: Any) -> Client:  # noqa: B008 - frozen
        resolved = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, **settings)
        clients.append(Client(resolved, time))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def assert_interrupted(act: Callable[[], object]) -> None:
    """Check that a function raises the exception of `sleep`."""
    with pytest.raises(CommandInterruptedError) as caught:
        act()

    assert caught.value is INTERRUPTION


@pytest.fixture
def inputs(make_client: Callable[..., Client]) -> dict[str, Any]:
    """Return the inputs of a job that succeeds."""
    file = make_client(TimeSource()).upload_file("data.jsonl", io.BytesIO(DATA), purpose="fine-tune")
    return {"model": MODEL, "training_file": file.id}


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 503},
        {"action": "status", "status": 429, "headers": {"Retry-After": "9"}},
        {"action": "drop_before"},
        {"action": "truncate"},
    ],
    ids=str,
)
def test_interrupted_pause_before_retry_ends_request(
    fault: dict[str, Any], make_client: Callable[..., Client], service: Emulator
) -> None:
    service.fault("GET", "/v1/models", **fault)

    assert_interrupted(make_client().models)

    assert len(service.journal(path="/v1/models")) == 1


def test_interrupted_rate_limit_wait_leaves_the_queue(
    make_client: Callable[..., Client], service: Emulator
) -> None:
    service.fault("GET", "/v1/fine_tuning/checkpoints/*", "status", status=429)
    own_time = TimeSource(clock=lambda: WALL, sleep=interrupt)  # rate limiters are shared by time source
    client = make_client(own_time, max_retries=0)
    with pytest.raises(RateLimitError):
        next(client.permissions("ft:m:o::abc"))

    assert_interrupted(lambda: next(client.permissions("ft:m:o::abc")))

    limiter = client._admin._rate_limiter()
    assert limiter is not None
    assert not limiter._queue


def test_interrupted_search_for_lost_response_ends() -> None:
    assert_interrupted(lambda: poll_until_found(lambda: None, TimeSource(sleep=interrupt)))


def create_job(client: Client, inputs: dict[str, Any], time: TimeSource) -> str:
    return JobManager(client, Host(time)).get_or_create(KEYS, inputs).id


@pytest.mark.parametrize(
    ("fault", "created"),
    [
        ({"action": "status", "status": 429}, 0),
        ({"action": "drop_before"}, 0),
        ({"action": "drop_after"}, 1),
        ({"action": "truncate"}, 1),
    ],
    ids=str,
)
def test_interrupted_create_neither_loses_nor_duplicates_job(
    fault: dict[str, Any],
    created: int,
    make_client: Callable[..., Client],
    inputs: dict[str, Any],
    service: Emulator,
) -> None:
    service.fault("POST", JOBS, **fault)

    assert_interrupted(lambda: create_job(make_client(), inputs, TimeSource(sleep=interrupt)))
    before = [job["id"] for job in service.jobs()]
    job_id = create_job(make_client(TimeSource()), inputs, TimeSource())

    assert len(before) == created
    assert before in ([], [job_id])
    assert [job["id"] for job in service.jobs()] == [job_id]


def test_job_created_before_interruption_is_found_again(
    make_client: Callable[..., Client], inputs: dict[str, Any], service: Emulator
) -> None:
    """Interrupt the search for a concurrent job with the same inputs."""
    service.fault("GET", JOBS, "status", status=503, skip=2)

    with suppress(CommandInterruptedError):
        create_job(make_client(), inputs, TimeSource(sleep=interrupt))

    (job,) = service.jobs()
    assert create_job(make_client(TimeSource()), inputs, TimeSource()) == job["id"]
    assert len(service.jobs()) == 1


def test_interrupted_upload_neither_loses_nor_duplicates_file(
    make_client: Callable[..., Client], tmp_path: Path, service: Emulator
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(DATA)
    service.fault("POST", "/v1/files", "drop_after")
    upload = UploadRequest("data-0123456789.jsonl", "fine-tune", len(DATA), has_unique_name=True)

    def get_or_upload(files: FileManager) -> FileObject:
        with path.open("rb") as content:
            return files.get_or_upload(upload, content)

    assert_interrupted(lambda: get_or_upload(FileManager(make_client(), Host(TimeSource(sleep=interrupt)))))
    found = get_or_upload(FileManager(make_client(TimeSource())))

    assert [file["id"] for file in service.files()] == [found.id]


def test_interrupted_request_neither_loses_nor_duplicates_permission(
    make_client: Callable[..., Client], inputs: dict[str, Any], service: Emulator
) -> None:
    client = make_client(TimeSource())
    model = client.job(create_job(client, inputs, TimeSource())).fine_tuned_model or ""
    service.fault("POST", PERMISSIONS, "drop_after")

    assert_interrupted(
        lambda: PermissionManager(make_client(), Host(TimeSource(sleep=interrupt))).grant(model, ["proj_b"])
    )
    created = len(service.permissions())
    (found,) = PermissionManager(client).grant(model, ["proj_b"])

    assert created == 1
    assert [grant["id"] for grant in service.permissions()] == [found.id]
    assert len(service.journal(method="POST", path=PERMISSIONS)) == 1


def test_interrupted_wait_does_not_cancel_the_job(slow_service: Emulator) -> None:
    client = Client(Settings(api_key=API_KEY, base_url=slow_service.url), TimeSource(sleep=interrupt))
    file = client.upload_file("data.jsonl", io.BytesIO(DATA), purpose="fine-tune")
    jobs = JobManager(client, Host(TimeSource(sleep=interrupt)))
    job = jobs.get_or_create(KEYS, {"model": MODEL, "training_file": file.id})

    assert_interrupted(lambda: jobs.reconcile(job, {}))
    client.close()

    assert [job["status"] for job in slow_service.jobs()] == ["validating_files"]
    assert slow_service.journal(method="POST", path=f"{JOBS}/*/cancel") == []
