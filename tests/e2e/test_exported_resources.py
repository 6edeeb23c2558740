"""Whole resources as stack outputs, and refreshes that run the program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.running import with_data

import pulumi_openai_ft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

PROGRAM = """
import pulumi
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl", filename=pulumi.Output.secret("chats.jsonl"))
limits = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="1h"))
job = ft.FineTuningJob("job", model="gpt-4o-mini", training_file=data, opts=limits)
share = ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"])
model = ft.FineTunedModel("model", model="gpt-4o-mini", training_file=data, triggers=["again"])
pulumi.export("File", data)
pulumi.export("FineTuningJob", job)
pulumi.export("FineTuningCheckpointPermission", share)
pulumi.export("FineTunedModel", model)
pulumi.export("nested", {"files": [data]})
"""
OF_PULUMI = {"id", "urn"}
INPUTS_KEPT_BY_PULUMI = {
    "File": {"file"},
    "FineTuningCheckpointPermission": {"checkpoint_id", "project_ids"},
}
"""Inputs that Pulumi adds to a resource's attributes."""


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(part)


def properties(stack: Stack) -> dict[str, tuple[Any, Any]]:
    """Return inputs and outputs by URN. The engine writes independent resources in any order."""
    state = json.loads(stack.pulumi("stack", "export", "--show-secrets").text)
    return {
        entry["urn"]: (entry["inputs"], entry["outputs"])
        for entry in state["deployment"]["resources"]
        if "dynamic" in entry["type"]
    }


def documented(kind: str) -> set[str]:
    """Return the outputs that a resource class declares."""
    return {name for name in getattr(pulumi_openai_ft, kind).__annotations__ if not name.startswith("_")}


def test_exported_resources_show_their_outputs_only(make_stack: Callable[..., Stack]) -> None:
    stack = with_data(make_stack(PROGRAM))

    shown = stack.up().text

    exported = json.loads(stack.pulumi("stack", "output", "--json").text)
    assert "__" not in shown
    assert [key for key in keys(exported) if key.startswith("_")] == []
    assert exported["nested"]["files"] == [exported["File"]]
    for kind in ("File", "FineTuningJob", "FineTuningCheckpointPermission", "FineTunedModel"):
        allowed = documented(kind) | OF_PULUMI | INPUTS_KEPT_BY_PULUMI.get(kind, set())
        assert set(exported[kind]) <= allowed
        assert documented(kind) <= set(exported[kind])


def test_a_refresh_that_runs_the_program_changes_nothing(make_stack: Callable[..., Stack]) -> None:
    stack = with_data(make_stack(PROGRAM))
    stack.up()
    before = properties(stack)

    preview = stack.pulumi("refresh", "--run-program", "--preview-only", "--diff", "--expect-no-changes").text
    refreshed = stack.refresh("--run-program").text

    assert "estimated_" not in preview.partition("--outputs:--")[0]
    of_the_job = [line for line in refreshed.splitlines() if ":FineTuningJob job " in line]
    assert "estimated_" not in of_the_job[-1]
    assert properties(stack) == before
    stack.preview("--expect-no-changes")
