from __future__ import annotations

import json
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.emulator.support import connect, rows
from tests.policies.harness import urn_of
from tests.support import API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE
from pulumi_openai_ft.cli.report import data_files
from pulumi_openai_ft.cli.report.job_report import labels, read_reports
from pulumi_openai_ft.cli.report.stack_facts import StackFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.support import Api

    from pulumi_openai_ft.cli.report.job_report import JobReport
    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.xdist_group("report")

THREE_EPOCHS = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}


@pytest.fixture
def api(service: Emulator) -> Iterator[Api]:
    with connect(service) as client:
        yield client


def read(
    service: Emulator, job_id: str, state: dict[str, Any] | None = None, profile: str = "openai"
) -> JobReport:
    values = {"openai-ft:apiKey": API_KEY, "openai-ft:baseUrl": service.url, "openai-ft:service": profile}
    with closing(Client(Settings.resolve(values.get, {}))) as client:
        [report] = read_reports(client, [client.job(job_id)], StackFacts.of(state or {}))
    return report


def resource(kind: str, id_: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    return {"urn": urn_of(kind, id_), "type": kind, "id": id_, "inputs": inputs, "outputs": outputs}


def finished(api: Api, **request: Any) -> dict[str, Any]:
    """Return a job that has succeeded, with so few steps that one page contains all events."""
    return api.job(api.train(**request, method=THREE_EPOCHS)["id"])


def test_metrics_come_from_events_and_result_files(service: Emulator, api: Api) -> None:
    validation = api.upload()["id"]
    job = finished(api, validation_file=validation)

    report = read(service, job["id"])

    steps = [event["data"] for event in api.events(job["id"], limit=100) if event["type"] == "metrics"]
    assert [row.step for row in report.rows] == sorted(step["step"] for step in steps)
    losses = {step["step"]: step["train_loss"] for step in steps}
    assert {row.step: row.train_loss for row in report.rows} == losses
    assert any(row.full_valid_loss is not None for row in report.rows)  # not in result files
    assert [mark.step for mark in report.marks] == sorted(
        c["step_number"] for c in api.checkpoints(job["id"])
    )
    assert report.missing == ()


def test_a_service_without_events_still_has_metrics(service: Emulator, api: Api) -> None:
    job = finished(api)

    report = read(service, job["id"], profile="generic")

    assert len(report.rows) == len([e for e in api.events(job["id"], limit=100) if e["type"] == "metrics"])
    assert (report.events, report.checkpoints) == ((), ())
    assert report.missing == (
        "the service 'generic' does not support job events",
        "the service 'generic' does not support checkpoints",
    )


@pytest.mark.parametrize("part", ["events", "checkpoints"])
def test_a_missing_endpoint_is_reported(service: Emulator, api: Api, part: str) -> None:
    job = finished(api)
    service.fault("GET", f"*/{part}", "status", status=404, times=None)

    report = read(service, job["id"])

    assert len(report.missing) == 1
    assert report.missing[0].endswith("(HTTP 404)")
    assert report.rows


def test_hash_and_counts_come_from_the_content(service: Emulator, api: Api) -> None:
    job = finished(api, training_file=api.upload(rows(17))["id"])

    [file] = read(service, job["id"]).files

    assert (file.part, file.sha256, file.examples) == ("training", sha256(rows(17)).hexdigest(), 17)
    assert file.tokens
    assert file.source == "the content at the service"


def test_the_state_saves_the_download(service: Emulator, api: Api) -> None:
    job = finished(api)
    outputs = {"sha256": "ab" * 32, "example_count": 10, "token_count": 120}
    state = {"deployment": {"resources": [resource(FILE_TYPE, job["training_file"], {}, outputs)]}}

    [file] = read(service, job["id"], state).files

    assert (file.sha256, file.examples, file.tokens) == ("ab" * 32, 10, 120)
    assert file.source == "the stack's state"
    assert not service.journal(method="GET", path=f"/v1/files/{job['training_file']}/content")


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_content_is_reported(service: Emulator, api: Api, status: int) -> None:
    job = finished(api)
    service.fault("GET", f"/v1/files/{job['training_file']}/content", "status", status=status, times=None)

    [file] = read(service, job["id"]).files

    assert (file.sha256, file.examples) == (None, None)
    assert file.bytes
    assert file.missing == "the service does not return the content of the file"


def test_a_deleted_file_is_reported(service: Emulator, api: Api) -> None:
    job = finished(api)
    api.delete(f"/files/{job['training_file']}")

    [file] = read(service, job["id"]).files

    assert (file.id, file.bytes, file.missing) == (
        job["training_file"],
        None,
        "the service does not return this file",
    )


@pytest.mark.parametrize("hides_size", [False, True])
def test_a_large_file_is_not_kept(
    service: Emulator, api: Api, monkeypatch: pytest.MonkeyPatch, *, hides_size: bool
) -> None:
    job = finished(api)
    monkeypatch.setattr(data_files, "MAX_CONTENT_BYTES", 100)
    if hides_size:
        service.fault(
            "GET",
            f"/v1/files/{job['training_file']}",
            "edit",
            times=None,
            edits=[{"path": "bytes", "value": None}],
        )

    [file] = read(service, job["id"]).files

    assert file.sha256 is None
    assert file.missing


def test_requested_values_come_from_the_state(service: Emulator, api: Api) -> None:
    job = finished(api)
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": "auto"}}}
    inputs = {"method": method, "metadata": SECRET}
    state = {
        "deployment": {"resources": [resource(JOB_TYPE, job["id"], inputs, {"estimated_cost_usd": 1.5})]}
    }

    report = read(service, job["id"], state)

    assert report.requested == {"method": method}
    assert report.recorded == {"estimated_cost_usd": 1.5}
    assert "ciphertext" not in json.dumps(report.requested)


@given(suffixes=st.lists(st.none() | st.sampled_from(["a", "b", "ftjob-1", " a", "a\n"]), max_size=6))
def test_labels_are_unique(suffixes: list[str | None]) -> None:
    jobs = [Job(id=f"ftjob-{n}", user_provided_suffix=suffix) for n, suffix in enumerate(suffixes)]

    names = labels(jobs)

    assert len(set(names)) == len(names) == len(jobs)
    assert all(names)
