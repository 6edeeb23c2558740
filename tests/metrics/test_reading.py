"""Reading metrics from the emulator in the modes of other services, and with faults."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import API_KEY, TODAY, write_training_data

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._metrics import reading
from pulumi_openai_ft._metrics.reading import read_metrics
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.emulator import Emulator
from pulumi_openai_ft.emulator.clock import Clock
from pulumi_openai_ft.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft._client.objects import Job

MODEL = "gpt-4o-mini-2024-07-18"
STEPS = list(range(1, 25))
"""12 examples in batches of 2, in 4 epochs."""
CONFIGS: dict[str, dict[str, str]] = {
    "openai": {},
    "azure": {"service": "azure", "query": "api-version=v1"},
    "bedrock": {"service": "bedrock"},
    "nebius": {"service": "nebius"},
    "gateway": {"service": "generic"},
    "gateway-with-models": {"service": "generic"},
    "gateway-without-metadata": {"service": "generic"},
}
GATEWAYS = [mode for mode in CONFIGS if mode.startswith("gateway")]


@contextmanager
def connected(service: Emulator, /, **config: str) -> Iterator[Client]:
    given = {"apiKey": API_KEY, "baseUrl": service.url, "maxRetries": "0", **config}
    client = Client(Settings.resolve({f"openai-ft:{key}": value for key, value in given.items()}.get))
    yield client
    client.close()


def train(client: Client, folder: Path, **fields: Any) -> Job:
    """Start a job with validation. The emulator finishes it at the next read, unless its clock is manual."""
    files = {
        name: client.upload_file(f"{name}.jsonl", io.BytesIO(path.read_bytes()), purpose="fine-tune").id
        for name, path in (
            ("training_file", write_training_data(folder / "training.jsonl")),
            ("validation_file", write_training_data(folder / "validation.jsonl", answer="Ask the support.")),
        )
    }
    hyperparameters = {"n_epochs": 4, "batch_size": 2, "learning_rate_multiplier": 1}
    method = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    return client.create_job({"model": MODEL, **files, "method": method, **fields})


@pytest.fixture
def client(service: Emulator) -> Iterator[Client]:
    with connected(service) as found:
        yield found


@pytest.fixture
def job(client: Client, tmp_path: Path) -> Job:
    return client.job(train(client, tmp_path).id)


@contextmanager
def service_of(mode: str, **options: Any) -> Iterator[Emulator]:
    with Emulator(mode=mode, today=TODAY, **options) as service:
        service.settings.file_processing_seconds = 0.0
        yield service


@pytest.mark.parametrize("mode", CONFIGS)
def test_result_files_of_every_service_have_every_step(mode: str, tmp_path: Path) -> None:
    with service_of(mode) as service, connected(service, **CONFIGS[mode]) as client:
        found = read_metrics(client, client.job(train(client, tmp_path).id))

    has_batches_of_8 = mode == "gateway-without-metadata"
    assert [row.step for row in found.rows] == (STEPS[:8] if has_batches_of_8 else STEPS)
    assert (found.source, found.missing) == ("result_files", ())
    assert all(row.train_loss and row.train_accuracy for row in found.rows)
    assert found.rows[-1].valid_loss


@pytest.mark.parametrize("mode", CONFIGS)
def test_a_running_job_has_metrics_where_events_exist(mode: str, tmp_path: Path) -> None:
    with (
        service_of(mode, clock=Clock.manual(), job_seconds=120) as service,
        connected(service, **CONFIGS[mode]) as client,
    ):
        started = train(client, tmp_path)
        service.advance(90)
        found = read_metrics(client, client.job(started.id))

    if mode in GATEWAYS:
        assert (found.rows, found.source) == ((), None)
        assert found.missing == ("the service 'generic' does not support job events",)
    else:
        assert (found.source, found.missing) == ("events", ())
        steps = [row.step for row in found.rows]
        assert 1 < len(steps) < len(STEPS)
        assert steps == STEPS[: len(steps)]


def test_events_and_result_files_agree(client: Client, job: Job) -> None:
    from_file = read_metrics(client, job)
    from_events = read_metrics(client, job.model_copy(update={"result_files": []}))

    assert (from_file.source, from_events.source) == ("result_files", "events")
    full = {"full_valid_loss": None, "full_valid_accuracy": None}
    assert [row.model_copy(update=full) for row in from_events.rows] == list(from_file.rows)
    assert [row.step for row in from_events.rows if row.full_valid_loss] == [6, 12, 18, 24]


def test_a_result_file_costs_one_request(client: Client, job: Job, service: Emulator) -> None:
    before = len(service.journal())

    read_metrics(client, job)

    assert [entry.path for entry in service.journal()[before:]] == [
        f"/v1/files/{job.result_files[0]}/content"
    ]


REFUSED = "does not return the content of the result file file-"
EMPTY = "contains no metrics of steps"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"action": "status", "status": 400}, REFUSED),
        ({"action": "status", "status": 403}, REFUSED),
        ({"action": "status", "status": 404}, REFUSED),
        ({"action": "html", "status": 200}, EMPTY),
        ({"action": "status", "status": 200, "body": "{}"}, EMPTY),
    ],
)
def test_events_replace_a_missing_result_file(
    fault: dict[str, Any], reason: str, client: Client, job: Job, service: Emulator
) -> None:
    service.fault("GET", "/files/*/content", times=None, **fault)

    found = read_metrics(client, job)

    assert [row.step for row in found.rows] == STEPS
    assert found.source == "events"
    assert reason in found.missing[0]


def test_events_replace_a_huge_result_file(client: Client, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_RESULT_FILE_BYTES", 100)

    found = read_metrics(client, job)

    assert (len(found.rows), found.source) == (len(STEPS), "events")
    assert "is larger than" in found.missing[0]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_unexpectedly_missing_events_are_a_reason(
    status: int, client: Client, job: Job, service: Emulator
) -> None:
    service.fault("GET", "/fine_tuning/jobs/*/events", "status", times=None, status=status)

    found = read_metrics(client, job.model_copy(update={"result_files": []}))

    assert (found.rows, found.source) == ((), None)
    assert found.missing == (f"the service 'openai' does not support job events (HTTP {status})",)


@pytest.mark.parametrize("path", ["/files/*/content", "/fine_tuning/jobs/*/events"])
@pytest.mark.parametrize("status", [401, 500])
def test_other_errors_are_raised(path: str, status: int, client: Client, job: Job, service: Emulator) -> None:
    service.fault("GET", path, "status", times=None, status=status)
    found = job if "files" in path else job.model_copy(update={"result_files": []})

    with pytest.raises(ServiceError) as caught:
        read_metrics(client, found)

    assert caught.value.status == status


def test_a_job_that_has_not_started_lacks_nothing(slow_service: Emulator, tmp_path: Path) -> None:
    with connected(slow_service) as client:
        found = read_metrics(client, train(client, tmp_path))

    assert (found.rows, found.source, found.missing) == ((), None, ())
