"""A secret input appears in plaintext neither in a message nor in the state, however it became secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

OF_FILES = {"file": "canary-path-4711.jsonl", "filename": "canary-name-4711.jsonl"}
OF_A_JOB = {
    "suffix": "canary-suffix-4711",
    "seed": 471147114,
    "metadata": {"canary-key-4711": "canary-metadata-4711"},
    "triggers": ["canary-trigger-4711"],
    "integrations": [{"type": "wandb", "wandb": {"project": "canary-project-4711"}}],
}
OF_A_PERMISSION = {"project_ids": ["proj_canary4711"]}
PROGRAM = f"""
import json
import os
import pulumi
import pulumi_openai_ft as openai_ft

WAY = os.environ["WAY"]
VALUES = {{
    "named": {OF_FILES!r},
    "data": {{"file": {OF_FILES["file"]!r}}},
    "job": {OF_A_JOB!r},
    "share": {OF_A_PERMISSION!r},
}}

def nested(value):
    if isinstance(value, dict):
        return {{key: nested(item) for key, item in value.items()}}
    return [nested(item) for item in value] if isinstance(value, list) else pulumi.Output.secret(value)

def transform(args):
    secret = {{key: pulumi.Output.secret(args.props[key]) for key in VALUES.get(args.name, {{}})}}
    return pulumi.ResourceTransformResult({{**args.props, **secret}}, args.opts)

def inputs(name):
    if WAY == "config":
        return {{
            key: pulumi.Config().require_secret_object("values").apply(lambda found, key=key: found[name][key])
            for key in VALUES[name]
        }}
    hide = {{"directly": pulumi.Output.secret, "nested": nested, "transform": lambda value: value}}[WAY]
    return {{key: hide(value) for key, value in VALUES[name].items()}}

if WAY == "transform":
    pulumi.runtime.register_resource_transform(transform)
openai_ft.File("named", **inputs("named"))
data = openai_ft.File("data", **inputs("data"))
job = openai_ft.FineTuningJob("job", model=os.environ["MODEL"], training_file=data, **inputs("job"))
openai_ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, **inputs("share"))
"""


def texts(value: Any) -> set[str]:
    """The texts in a value that no message may contain."""
    if isinstance(value, dict):
        return {text for part in (*value, *value.values()) for text in texts(part)}
    if isinstance(value, list):
        return {text for part in value for text in texts(part)}
    found = str(value).removesuffix(".jsonl")
    return {found} if "4711" in found else set()


def assert_hidden(stack: Stack, *messages: str, except_keys: bool = False) -> None:
    canaries = texts(OF_FILES) | texts(OF_A_JOB) | texts(OF_A_PERMISSION)
    if except_keys:
        canaries -= {"canary-key-4711"}
    for text in (*messages, stack.export()):
        shown = {canary for canary in canaries if canary in text}
        assert not shown, f"{shown} in {text}"


@pytest.mark.parametrize(
    "way",
    [*(pytest.param(way, marks=pytest.mark.long) for way in ("directly", "nested", "transform")), "config"],
)
def test_secret_inputs_stay_secret(make_stack: Callable[..., Stack], service: Emulator, way: str) -> None:
    stack = make_stack(PROGRAM, WAY=way, MODEL="gpt-4o-mini-2024-07-18")
    values = {"named": OF_FILES, "data": OF_FILES, "job": OF_A_JOB, "share": OF_A_PERMISSION}
    stack.pulumi("config", "set", "--secret", "values", json.dumps(values))
    write_training_data(stack.folder / OF_FILES["file"])
    shown = []

    def echo(path: str, inputs: Any) -> None:
        error = {
            "message": f"cannot use {json.dumps(inputs)}",
            "type": "invalid_request_error",
            "param": None,
        }
        service.fault("POST", path, "status", status=400, body={"error": error})
        shown.append(stack.up(code=1).text)
        assert "cannot use" in shown[-1]
        service.clear_faults()

    echo("/v1/files", OF_FILES["file"])
    echo("/v1/fine_tuning/jobs", OF_A_JOB)
    shown += [stack.preview().text, stack.up("--diff").text]
    assert_hidden(stack, *shown, except_keys=way == "nested")
    assert stack.planned() == {}
    shown += [stack.refresh().text, stack.preview("--diff").text]
    assert_hidden(stack, *shown, except_keys=way == "nested")
    assert service.permissions()
    assert_hidden(stack, stack.destroy().text)
    assert service.permissions() == []
