"""What `sleep` raises ends every wait as it is, and nothing is lost or made twice by it."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Api
from pulumi_openai_ft._client.rate_limit import Time
from pulumi_openai_ft._provider.file_manager import Files
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.manager import Jobs
from pulumi_openai_ft._provider.lost_response import look_for
from pulumi_openai_ft._provider.permission_manager import Grants
from pulumi_openai_ft._provider.upload.request import Upload
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import InterruptedCommandError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_openai_ft._client.objects import FileObject
    from pulumi_openai_ft.emulator import Emulator

INTERRUPTION = InterruptedCommandError("interrupted")
JOBS, PERMISSIONS = "/v1/fine_tuning/jobs", "/v1/fine_tuning/checkpoints/*/permissions"
DATA = b'{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}]}\n' * 12
MODEL = "gpt-4o-mini-2024-07-18"


def interrupt(_seconds: float) -> NoReturn:
    raise INTERRUPTION


@pytest.fixture
def opened(service: Emulator) -> Iterator[Callable[..., Api]]:
    """Makes connections to the service, by default those of a process that is interrupted whenever it sleeps."""
    made: list[Api] = []

    def make(time: Time = Time(sleep=interrupt), **settings: Any) -> Api:  # noqa: B008 - frozen
        known = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=service.url, **settings)
        made.append(Api(known, time))
        return made[-1]

    yield make
    for api in made:
        api.close()


def interrupted(act: Callable[[], object]) -> None:
    with pytest.raises(InterruptedCommandError) as caught:
        act()

    assert caught.value is INTERRUPTION


@pytest.fixture
def wanted(opened: Callable[..., Api]) -> dict[str, Any]:
    """Inputs of a job that trains well."""
    file = opened(Time()).upload_file("data.jsonl", io.BytesIO(DATA), purpose="fine-tune")
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
def test_an_interrupted_pause_between_two_tries_ends_the_request(
    fault: dict[str, Any], opened: Callable[..., Api], service: Emulator
) -> None:
    service.fault("GET", "/v1/models", **fault)

    interrupted(opened().models)

    assert len(service.journal(path="/v1/models")) == 1


def test_an_interrupted_pause_between_two_admin_calls_ends_the_request_and_the_others_go_on(
    opened: Callable[..., Api], service: Emulator
) -> None:
    service.fault("GET", "/v1/fine_tuning/checkpoints/*", "status", status=429)
    api = opened(admin_requests_per_minute=6.0, max_retries=0)
    with pytest.raises(RateLimitError):
        next(api.permissions("ft:m:o::abc"))

    interrupted(lambda: next(api.permissions("ft:m:o::abc")))

    pace = api._admin._pacing()
    assert pace is not None
    assert not pace._queue


def test_an_interrupted_look_for_what_was_not_answered_ends() -> None:
    interrupted(lambda: look_for(lambda: None, Time(sleep=interrupt)))


def bought(api: Api, wanted: dict[str, Any], time: Time) -> str:
    return Jobs(api, Host(time)).obtain(["token"], wanted).id


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        ({"action": "status", "status": 429}, 0),
        ({"action": "drop_before"}, 0),
        ({"action": "drop_after"}, 1),
        ({"action": "truncate"}, 1),
    ],
    ids=str,
)
def test_a_purchase_that_is_interrupted_is_neither_lost_nor_made_twice(
    fault: dict[str, Any],
    made: int,
    opened: Callable[..., Api],
    wanted: dict[str, Any],
    service: Emulator,
) -> None:
    service.fault("POST", JOBS, **fault)

    interrupted(lambda: bought(opened(), wanted, Time(sleep=interrupt)))
    before = [job["id"] for job in service.jobs()]
    job_id = bought(opened(Time()), wanted, Time())

    assert len(before) == made
    assert before in ([], [job_id])
    assert [job["id"] for job in service.jobs()] == [job_id]


def test_a_purchase_that_is_interrupted_after_it_was_answered_is_found_again(
    opened: Callable[..., Api], wanted: dict[str, Any], service: Emulator
) -> None:
    """The look for somebody else who bought the same job is interrupted."""
    service.fault("GET", JOBS, "status", status=503, skip=1)

    with suppress(InterruptedCommandError):
        bought(opened(), wanted, Time(sleep=interrupt))

    (job,) = service.jobs()
    assert bought(opened(Time()), wanted, Time()) == job["id"]
    assert len(service.jobs()) == 1


def test_an_upload_that_is_interrupted_is_neither_lost_nor_made_twice(
    opened: Callable[..., Api], tmp_path: Path, service: Emulator
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(DATA)
    service.fault("POST", "/v1/files", "drop_after")
    upload = Upload("data-0123456789.jsonl", "fine-tune", len(DATA), is_ours=True)

    def obtain(files: Files) -> FileObject:
        with path.open("rb") as content:
            return files.obtain(upload, content)

    interrupted(lambda: obtain(Files(opened(), Host(Time(sleep=interrupt)))))
    found = obtain(Files(opened(Time())))

    assert [file["id"] for file in service.files()] == [found.id]


def test_a_grant_that_is_interrupted_is_neither_lost_nor_made_twice(
    opened: Callable[..., Api], wanted: dict[str, Any], service: Emulator
) -> None:
    api = opened(Time())
    model = api.job(bought(api, wanted, Time())).fine_tuned_model or ""
    service.fault("POST", PERMISSIONS, "drop_after")

    interrupted(lambda: Grants(opened(), Host(Time(sleep=interrupt))).grant(model, ["proj_b"]))
    (found,) = Grants(api).grant(model, ["proj_b"])

    assert [grant["id"] for grant in service.permissions()] == [found.id]
    assert len(service.journal(method="POST", path=PERMISSIONS)) == 1


def test_a_wait_that_is_interrupted_leaves_the_job_alone(slow_service: Emulator) -> None:
    api = Api(Settings(api_key=API_KEY, base_url=slow_service.url), Time(sleep=interrupt))
    file = api.upload_file("data.jsonl", io.BytesIO(DATA), purpose="fine-tune")
    jobs = Jobs(api, Host(Time(sleep=interrupt)))
    job = jobs.obtain(["token"], {"model": MODEL, "training_file": file.id})

    interrupted(lambda: jobs.settle(job, {}))
    api.close()

    assert [job["status"] for job in slow_service.jobs()] == ["validating_files"]
    assert slow_service.journal(method="POST", path=f"{JOBS}/*/cancel") == []
