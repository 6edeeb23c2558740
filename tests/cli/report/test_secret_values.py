from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.report.support import written
from tests.emulator.support import connect
from tests.policies.harness import urn_of
from tests.support import API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import FILE_TYPE, IDENTITY, JOB_TYPE, RESOURCE_KEY, SECRET_INPUTS
from pulumi_openai_ft.cli.report.csv_table import csv_table
from pulumi_openai_ft.cli.report.job_report import read_reports
from pulumi_openai_ft.cli.report.secret_values import public_job
from pulumi_openai_ft.cli.report.stack_facts import StackFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.xdist_group("report")

ENCRYPTED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
RATE = {"type": "supervised", "supervised": {"hyperparameters": {"learning_rate_multiplier": 1.4711}}}
JOB = {
    "suffix": "canary-suffix",
    "seed": 47114711,
    "method": RATE,
    "metadata": {"canary-key": "canary-value", RESOURCE_KEY: "canary-identity"},
}
SECRETS = {
    "suffix": "canary-suffix",
    "seed": "47114711",
    "method": "1.4711",
    "metadata": "canary-key",
    "metadata.*": "canary-value",
}
"""A text that must not appear, by the name of a secret input."""


@pytest.fixture
def api(service: Emulator) -> Iterator[Api]:
    with connect(service) as client:
        yield client


@pytest.fixture
def job(api: Api, service: Emulator) -> dict[str, Any]:
    """Return a job whose events repeat all of its inputs."""
    job = api.job(api.train(**JOB, training_file=api.upload(filename="canary-name.jsonl")["id"])["id"])
    message = f"{JOB} of {job['training_file']}"
    edits = [{"path": "data.0.message", "value": message}]
    service.fault("GET", "*/events", "edit", times=None, edits=edits)
    return job


def shown(service: Emulator, job_id: str, *resources: dict[str, Any], pending: bool = False) -> str:
    """Return the report on a job in the state of a stack."""
    operations = [{"type": "creating", "resource": resource} for resource in resources]
    state = {"pending_operations": operations} if pending else {"resources": resources}
    values = {"openai-ft:apiKey": API_KEY, "openai-ft:baseUrl": service.url}
    with closing(Client(Settings.resolve(values.get, {}))) as client:
        reports = read_reports(client, [client.job(job_id)], StackFacts.of({"deployment": state}))
    return written(*reports, title=reports[0].label).html + csv_table(reports)


def resource(kind: str, id_: str, **properties: Any) -> dict[str, Any]:
    return {"urn": urn_of(kind, "x"), "type": kind, "id": id_, "inputs": properties, "outputs": properties}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_input_is_left_out(service: Emulator, job: dict[str, Any], name: str) -> None:
    found = shown(service, job["id"], resource(JOB_TYPE, job["id"], **{SECRET_INPUTS: [name]}))

    assert SECRETS[name] not in found
    others = set(SECRETS) - {name, "metadata" if name == "metadata.*" else "metadata.*"}
    assert [other for other in others if SECRETS[other] not in found] == []


def test_a_secret_suffix_of_nebius_is_left_out() -> None:
    job = Job.model_validate({"id": "ftjob-1", "suffix": "canary-suffix"})

    assert public_job(job, frozenset()).requested_suffix == "canary-suffix"
    assert "canary-suffix" not in public_job(job, frozenset({"suffix"})).model_dump_json()


def test_a_secret_output_is_left_out(service: Emulator, job: dict[str, Any]) -> None:
    entry = resource(JOB_TYPE, job["id"], fine_tuned_model=ENCRYPTED)

    found = shown(service, job["id"], entry)

    assert job["fine_tuned_model"] in shown(service, job["id"])
    assert job["fine_tuned_model"] not in found
    assert "v1:abc" not in found


def test_a_secret_file_is_left_out(service: Emulator, job: dict[str, Any]) -> None:
    file = resource(FILE_TYPE, job["training_file"], filename=ENCRYPTED)
    secret_id = resource(JOB_TYPE, job["id"], training_file=ENCRYPTED)

    assert "canary-name" in shown(service, job["id"])
    assert "canary-name" not in shown(service, job["id"], file)
    assert job["training_file"] not in shown(service, job["id"], secret_id)


def test_a_secret_of_a_pending_job_is_left_out(service: Emulator, job: dict[str, Any]) -> None:
    entry = resource(JOB_TYPE, "", **{SECRET_INPUTS: ["suffix"], IDENTITY: "canary-identity"})

    assert "canary-suffix" not in shown(service, job["id"], entry, pending=True)
