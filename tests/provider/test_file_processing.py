"""Files that a service processes for some time before a job can use them, as Azure does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_host import FakeHost

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft._shared.time_limits import FILE_PROCESSING_SECONDS
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.errors import CommandInterruptedError, InputError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

REASON = "line 3: not a JSON object"
REFUSALS = [
    "File file-a is still being processed and is not ready to be used.",
    "The file 'file-a' has not been processed yet.",
    "training_file: file is not ready",
    "The specified file is in the status pending.",
]
STATUSES = ["pending", "running", "notRunning", "processing", "uploaded"]


@pytest.fixture
def azure(slow_service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """An emulator of Azure whose time moves while the provider sleeps."""
    monkeypatch.setattr(slow_service.settings, "mode", "azure")
    monkeypatch.setattr(slow_service.settings, "file_processing_seconds", None)
    return slow_service


@pytest.fixture
def host(azure: Emulator) -> FakeHost:
    clock = azure.backend.clock.now
    return FakeHost(time=TimeSource(clock=clock, wall=clock, sleep=azure.advance))


@pytest.fixture
def make(azure: Emulator, configure: Configure, host: FakeHost) -> Callable[..., Any]:
    def made(kind: Any, **changes: str | None) -> Any:
        settings = {"service": "azure", "query": "api-version=preview", "pollInterval": "1", **changes}
        return configure(kind, host, baseUrl=azure.url, **settings)

    return made


def statuses(service: Emulator, *found: str, reason: str | None = None) -> None:
    """Let the next requests for a file return these statuses."""
    for status in found:
        edits = [{"path": "status", "value": status}, {"path": "status_details", "value": reason}]
        service.fault("GET", "/files/*", "edit", edits=edits)


def job_inputs(service: Emulator) -> dict[str, Any]:
    return {
        "model": "gpt-4o-mini-2024-07-18",
        "training_file": service.files()[0]["id"],
        "wait_for_completion": False,
    }


def test_a_file_is_created_once_it_is_processed(
    make: Callable[..., Any], azure: Emulator, host: FakeHost, training_data: Path
) -> None:
    azure.settings.file_processing_seconds = 7

    created = make(FileProvider).create({"file": str(training_data)})

    assert created.outs["status"] == "processed"
    assert len(azure.files()) == 1
    assert "the service processes the file · 0 s" in host.statuses
    assert 7 <= azure.backend.clock.now() - azure.files()[0]["created_at"] < 10


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_before_the_end_is_waited_for(
    status: str, make: Callable[..., Any], azure: Emulator, training_data: Path
) -> None:
    statuses(azure, status, status)

    assert make(FileProvider).create({"file": str(training_data)}).outs["status"] == "processed"


def test_elsewhere_an_uploaded_file_is_not_waited_for(
    configure: Configure, slow_service: Emulator, training_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_service.settings, "file_processing_seconds", 1000)

    created = configure(FileProvider, baseUrl=slow_service.url).create({"file": str(training_data)})

    assert (created.outs or {})["status"] == "uploaded"


@pytest.mark.parametrize("status", ["error", "failed"])
def test_a_rejected_file_is_reported_by_every_up(
    status: str, make: Callable[..., Any], azure: Emulator, host: FakeHost, training_data: Path
) -> None:
    azure.fault(
        "GET",
        "/files/*",
        "edit",
        times=None,
        edits=[{"path": "status", "value": status}, {"path": "status_details", "value": REASON}],
    )
    provider, inputs = make(FileProvider), {"file": str(training_data)}

    created = provider.create(inputs)
    with pytest.raises(Exception, match=f"status '{status}'.*{REASON}: correct the content"):
        provider.update(created.id, created.outs, inputs)

    assert created.outs["status"] == status
    (message,) = (message for message in host.messages if REASON in message)
    assert message.startswith("file: the service could not process training.jsonl (file-")
    assert provider.diff(created.id, created.outs, {**inputs, "sha256": created.outs["sha256"]}).changes


def test_the_next_up_waits_for_an_unfinished_file(
    make: Callable[..., Any], azure: Emulator, host: FakeHost, training_data: Path
) -> None:
    provider, inputs = make(FileProvider), {"file": str(training_data)}
    azure.settings.file_processing_seconds = FILE_PROCESSING_SECONDS * 1.5

    created = provider.create(inputs)

    assert created.outs["status"] == "pending"
    assert any(
        "still has the status 'pending' after 1800 s: run `pulumi up`" in text for text in host.messages
    )
    assert provider.diff(created.id, created.outs, {**inputs, "sha256": created.outs["sha256"]}).changes
    assert provider.update(created.id, created.outs, inputs).outs["status"] == "processed"
    assert len(azure.files()) == 1


def test_an_interrupted_wait_keeps_the_file(
    make: Callable[..., Any], azure: Emulator, host: FakeHost, training_data: Path
) -> None:
    def interrupt(_seconds: float) -> None:
        raise CommandInterruptedError("the command was interrupted")

    clock = azure.backend.clock.now
    host.time = TimeSource(clock=clock, wall=clock, sleep=interrupt)

    created = make(FileProvider).create({"file": str(training_data)})

    assert created.id == azure.files()[0]["id"]
    assert created.outs["status"] == "pending"
    assert "the command was interrupted" in host.messages


def test_a_rejected_file_is_not_adopted(
    make: Callable[..., Any], azure: Emulator, training_data: Path
) -> None:
    inputs = {"file": str(training_data), "__identity": "urn"}
    first = make(FileProvider).create(inputs)
    edits = [{"path": "data.*.status", "value": "error"}]
    azure.fault("GET", "/files", "edit", edits=edits)

    assert make(FileProvider).create(inputs).id != first.id


def test_a_job_waits_until_its_file_is_processed(
    make: Callable[..., Any], azure: Emulator, host: FakeHost, training_data: Path
) -> None:
    make(FileProvider).create({"file": str(training_data)})
    azure.settings.file_processing_seconds = 60

    make(FineTuningJobProvider).create(job_inputs(azure))

    assert len(azure.jobs()) == 1
    assert azure.backend.clock.now() - azure.files()[0]["created_at"] >= 60
    assert host.statuses[-1].startswith("the service processes the file · ")


@pytest.mark.parametrize("text", REFUSALS)
def test_each_form_of_this_refusal_is_waited_for(
    text: str, make: Callable[..., Any], azure: Emulator, training_data: Path
) -> None:
    make(FileProvider).create({"file": str(training_data)})
    body = {"error": {"message": text, "type": "invalid_request_error", "param": "training_file"}}
    azure.fault("POST", "/fine_tuning/jobs", "status", times=3, status=400, body=body)

    make(FineTuningJobProvider).create(job_inputs(azure))

    assert len(azure.jobs()) == 1


@pytest.mark.parametrize(
    "text", ["File file-a has 3 examples", "The model is not ready", "Your request is pending"]
)
def test_other_refusals_are_not_repeated(
    text: str, make: Callable[..., Any], azure: Emulator, training_data: Path
) -> None:
    make(FileProvider).create({"file": str(training_data)})
    azure.fault(
        "POST",
        "/fine_tuning/jobs",
        "status",
        times=None,
        status=400,
        body={"error": {"message": text, "param": "x"}},
    )

    with pytest.raises(ServiceError, match=text):
        make(FineTuningJobProvider).create(job_inputs(azure))

    assert len(azure.journal(method="POST", path="/v1/fine_tuning/jobs")) == 1


def test_a_rejected_file_fails_its_job_with_the_reason(
    make: Callable[..., Any], azure: Emulator, training_data: Path
) -> None:
    make(FileProvider).create({"file": str(training_data)})
    azure.settings.file_processing_seconds = 60
    statuses(azure, "error", reason=REASON)

    with pytest.raises(InputError, match=f"training_file: the service could not process .*{REASON}"):
        make(FineTuningJobProvider).create(job_inputs(azure))

    assert azure.jobs() == []


def test_a_job_gives_up_after_the_limit(
    make: Callable[..., Any], azure: Emulator, training_data: Path
) -> None:
    make(FileProvider).create({"file": str(training_data)})
    azure.settings.file_processing_seconds = FILE_PROCESSING_SECONDS * 10

    with pytest.raises(ServiceError, match="still being processed"):
        make(FineTuningJobProvider).create(job_inputs(azure))

    assert azure.jobs() == []


def test_the_help_names_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    assert f"waits up to {FILE_PROCESSING_SECONDS / 60:.0f} minutes" in capsys.readouterr().out
