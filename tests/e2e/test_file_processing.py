"""Files that Azure processes for some time after their upload, with the real engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.running import (
    RunningCommand,
    finish_jobs,
    freeze_jobs,
    host_pids,
    resources,
    wait_until,
    with_data,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e

PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="data.jsonl")
job = openai_ft.FineTuningJob("job", model="gpt-4.1-mini-2025-04-14", training_file=data)
pulumi.export("model", job.fine_tuned_model)
"""
HOUR = 3600.0
SOON = 6.0
"""Maximum seconds from Ctrl-C to the end of the command. An idle machine needs 2."""
ROW = "the service processes the file · "
REASON = "line 3: not a JSON object"


@pytest.fixture
def service(service: Emulator) -> Emulator:
    """An emulator of Azure that processes a file for one hour of its time, which does not pass by itself."""
    service.settings.mode = "azure"
    service.settings.file_processing_seconds = HOUR
    freeze_jobs(service)
    return service


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = with_data(make_stack(PROGRAM))
    made.pulumi("config", "set", "openai-ft:service", "azure")
    made.pulumi("config", "set", "openai-ft:query", "api-version=preview")
    made.pulumi("config", "set", "openai-ft:pollInterval", "0.2")
    return made


def uploads(service: Emulator) -> int:
    return len(service.journal(method="POST", path="/v1/files"))


def job_requests(service: Emulator) -> int:
    return len(service.journal(method="POST", path="/v1/fine_tuning/jobs"))


def process(service: Emulator) -> None:
    """Let an hour pass at the service, and let its jobs finish."""
    service.advance(HOUR)
    finish_jobs(service)


def files_read(service: Emulator) -> int:
    return len(service.journal(method="GET", path="/v1/files/*"))


@pytest.mark.core
@pytest.mark.parametrize("host", [pytest.param("stock", marks=pytest.mark.long), "ours"])
def test_up_waits_until_a_file_is_processed(stack: Stack, service: Emulator, host: str) -> None:
    with RunningCommand.start(stack, "up") as up:
        if host == "ours":
            up.await_line(f"data creating (0s) {ROW}0 s")
            up.await_line(f"{ROW}1 s")
        wait_until(lambda: files_read(service) > 3, up)
        assert job_requests(service) == 0
        process(service)
        finished = up.end()

    assert finished.code == 0, finished.text
    assert (uploads(service), job_requests(service)) == (1, 1)
    assert resources(stack)["data"]["outputs"]["status"] == "processed"
    assert [job["status"] for job in service.jobs()] == ["succeeded"]
    stack.preview("--expect-no-changes")


def test_ctrl_c_keeps_the_file_and_up_resumes(stack: Stack, service: Emulator) -> None:
    with RunningCommand.start(stack, "up") as up:
        up.await_line(ROW)
        pressed = up.interrupt()
        finished = up.end()

    assert finished.code == 1, finished.text
    assert finished.ended_at - pressed < SOON, finished.text
    assert "Traceback" not in finished.text
    assert "interrupted" in finished.text
    assert host_pids(stack) == []
    (file,) = service.files()
    assert job_requests(service) == 0

    process(service)
    stack.up()

    assert resources(stack)["data"]["id"] == file["id"]
    assert (uploads(service), job_requests(service)) == (1, 1)
    stack.preview("--expect-no-changes")


@ON_BOTH_HOSTS
def test_a_rejected_file_fails_with_its_reason(stack: Stack, service: Emulator) -> None:
    edits = [{"path": "status", "value": "error"}, {"path": "status_details", "value": REASON}]
    service.fault("GET", "/files/*", "edit", None, edits=edits)

    text = stack.up(code=1).text

    (file,) = service.files()
    assert (
        f"the service could not process {file['filename']} ({file['id']}, status 'error'): {REASON}: correct the content "
        f"of the file, then run `pulumi up` again"
    ) in text
    assert "Traceback" not in text
    assert service.jobs() == []

    service.clear_faults()
    with_data(stack, rows=13)
    process(service)
    service.settings.file_processing_seconds = 0
    stack.up()

    assert [found["id"] for found in service.files() if found["purpose"] == "fine-tune"] != [file["id"]]
    assert (uploads(service), len(service.jobs())) == (2, 1)
    stack.preview("--expect-no-changes")
