"""A secret input appears in plaintext neither in a message nor in the state, however it became secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import API_KEY, write_training_data

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

FILES: dict[str, dict[str, Any]] = {
    "named": {
        "file": "canary-path-4711.jsonl",
        "filename": "canary-name-4711.jsonl",
        "purpose": "user_data",
        "expires_after": {"anchor": "created_at", "seconds": 471147},
    },
    "data": {"file": "canary-path-4711.jsonl"},
}
JOBS: dict[str, dict[str, Any]] = {
    "job": {
        "suffix": "canary-suffix-4711",
        "seed": 471147114,
        "metadata": {"canary-key-4711": "canary-metadata-4711"},
        "triggers": ["canary-trigger-4711"],
        "integrations": [{"type": "wandb", "wandb": {"project": "canary-project-4711"}}],
    },
    "by_id": {
        "model": "gpt-4.1-mini",
        "method": {
            "type": "supervised",
            "supervised": {"hyperparameters": {"learning_rate_multiplier": 1.4711}},
        },
    },
    "odd": {"extra_body": {"canary-field-4711": "canary-value-4711"}},
}
PERMISSIONS: dict[str, dict[str, Any]] = {"share": {"project_ids": ["proj_canary4711"]}, "by_name": {}}
INPUTS = {**FILES, **JOBS, **PERMISSIONS}
ALWAYS_SHOWN = {"created_at", "supervised", "wandb"}
"""Words of the API in the values."""
PROGRAM = """
import json
import os
from pathlib import Path
import pulumi
import pulumi_openai_ft as openai_ft

WAY = os.environ["WAY"]
VALUES = json.loads(Path("values.json").read_text())

def nested(value):
    if isinstance(value, dict):
        return {key: nested(item) for key, item in value.items()}
    return [nested(item) for item in value] if isinstance(value, list) else pulumi.Output.secret(value)

def transform(args):
    secret = {key: pulumi.Output.secret(args.props[key]) for key in VALUES.get(args.name, {})}
    return pulumi.ResourceTransformResult({**args.props, **secret}, args.opts)

def inputs(name):
    if WAY == "config":
        return {
            key: pulumi.Config().require_secret_object("values").apply(lambda found, key=key: found[name][key])
            for key in VALUES[name]
        }
    hide = {"directly": pulumi.Output.secret, "nested": nested, "transform": lambda value: value}[WAY]
    return {key: hide(value) for key, value in VALUES[name].items()}

if WAY == "transform":
    pulumi.runtime.register_resource_transform(transform)

def wanted(name):
    return name == os.environ.get("ONLY", "" if name == "odd" else name)

data = openai_ft.File("data", **inputs("data"))
if wanted("named"):
    openai_ft.File("named", **inputs("named"))
if wanted("job"):
    job = openai_ft.FineTuningJob("job", model="gpt-4o-mini", training_file=data, **inputs("job"))
    openai_ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, **inputs("share"))
if wanted("by_id"):
    openai_ft.FineTuningJob("by_id", **inputs("by_id"))
if wanted("by_name"):
    openai_ft.FineTuningCheckpointPermission("by_name", project_ids=["proj_b"], **inputs("by_name"))
if wanted("odd"):
    openai_ft.FineTuningJob("odd", model="gpt-4o-mini", training_file=data, **inputs("odd"))
"""
REQUESTS = {
    "data": "/v1/files",
    "job": "/v1/fine_tuning/jobs",
    "by_id": "/v1/fine_tuning/jobs",
    "by_name": "/v1/fine_tuning/checkpoints/*/permissions",
    "odd": "/v1/fine_tuning/jobs",
}
"""Request that creates each resource."""


def leaves(value: Any) -> set[str]:
    """Return the texts in a value, except the names of properties."""
    if isinstance(value, dict):
        return {text for part in value.values() for text in leaves(part)} | {
            key for key in value if "4711" in key
        }
    if isinstance(value, list):
        return {text for part in value for text in leaves(part)}
    return {str(value).removesuffix(".jsonl")}


@dataclass
class Canaries:
    """The values of the secret inputs, and the stack whose messages and state must not contain them.

    Attributes:
        stack: The stack.
        values: The secret inputs by resource.
        shown_keys: Keys of metadata that are not secret.
    """

    stack: Stack
    values: dict[str, dict[str, Any]]
    shown_keys: set[str]

    def assert_hidden(self, *messages: str) -> None:
        canaries = leaves(self.values) - ALWAYS_SHOWN - self.shown_keys
        for text in (*messages, self.stack.export()):
            shown = {canary for canary in canaries if canary in text}
            assert not shown, f"{shown} in {text}"


@pytest.fixture
def existing(service: Emulator, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Create a file and a model, and return the inputs that name them, by resource."""
    api = Client(Settings(api_key=API_KEY, base_url=service.url))
    with write_training_data(tmp_path / "existing.jsonl").open("rb") as content:
        file = api.upload_file("existing.jsonl", content, purpose="fine-tune")
    job = api.job(api.create_job({"model": "gpt-4o-mini", "training_file": file.id}).id)
    api.close()
    return {
        "by_id": {"training_file": file.id, "validation_file": file.id},
        "by_name": {"checkpoint_id": job.fine_tuned_model},
    }


@pytest.fixture(
    params=[
        *(pytest.param(way, marks=pytest.mark.long) for way in ("nested", "transform", "config")),
        "directly",
    ]
)
def canaries(
    request: pytest.FixtureRequest, make_stack: Callable[..., Stack], existing: dict[str, dict[str, Any]]
) -> Canaries:
    values = {name: {**inputs, **existing.get(name, {})} for name, inputs in INPUTS.items()}
    stack = make_stack(PROGRAM, WAY=request.param)
    (stack.folder / "values.json").write_text(json.dumps(values))
    if request.param == "config":
        stack.pulumi("config", "set", "--secret", "values", json.dumps(values))
    write_training_data(stack.folder / "canary-path-4711.jsonl")
    return Canaries(
        stack, values, {"canary-key-4711", "canary-field-4711"} if request.param == "nested" else set()
    )


def test_errors_of_the_service_stay_secret(canaries: Canaries, service: Emulator) -> None:
    for name, path in REQUESTS.items():
        error = {
            "message": f"cannot use {json.dumps(canaries.values[name])}",
            "type": "invalid_request_error",
        }
        service.fault("POST", path, "status", times=None, status=400, body={"error": error})
        canaries.stack.environment["ONLY"] = name
        shown = canaries.stack.up(code=1).text
        assert "cannot use" in shown
        canaries.assert_hidden(shown)
        service.clear_faults()


@pytest.mark.core
def test_secret_inputs_stay_secret(canaries: Canaries, service: Emulator) -> None:
    stack = canaries.stack
    empty = stack.export()
    canaries.assert_hidden(stack.preview().text, stack.up("--diff").text)
    assert stack.planned() == {}
    canaries.assert_hidden(stack.refresh().text, stack.preview("--diff").text)

    (stack.folder / "empty.json").write_text(empty)
    stack.pulumi("stack", "import", "--file", "empty.json")
    adopted = stack.up().text
    assert adopted.count("adopted") >= len(FILES)
    canaries.assert_hidden(adopted)
    canaries.assert_hidden(stack.destroy().text)
    assert service.permissions() == []
