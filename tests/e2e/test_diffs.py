"""The changes in a preview: property paths and replacements, without secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.running import resources, with_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
PROGRAM = """
import json
import os
import pulumi
import pulumi_openai_ft as ft

changes = json.loads(os.environ["CHANGES"])
data = ft.File("data", file="data.jsonl")

def job(name, **inputs):
    wanted = {"model": "gpt-4o-mini-2024-07-18", "training_file": data.id, **inputs, **changes.get(name, {})}
    return ft.FineTuningJob(name, **wanted)

def supervised(**hyperparameters):
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}

trained = job("trained", method=supervised(n_epochs=3, batch_size=2))
job("described", metadata={"team": "support", "cost.center": "1"})
job("followed", integrations=[{"type": "wandb", "wandb": {"project": "support", "tags": ["a"]}}])
job("owned", wait_for_completion=True, cancel_after_timeout=600)
job("secret", metadata={"note": pulumi.Output.secret(os.environ["SECRET"])})
projects = changes.get("share", ["proj_b", "proj_c"])
opts = pulumi.ResourceOptions(ignore_changes=["checkpoint_id"])
ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=trained.fine_tuned_model, project_ids=projects, opts=opts)
"""
SECRETS = "first-of-all-the-secrets", "second-of-all-the-secrets"
CHANGES = {
    "trained": {
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 4, "batch_size": 2}}}
    },
    "described": {"metadata": {"team": "sales", "cost.center": "2", "new": "x"}},
    "followed": {"integrations": [{"type": "wandb", "wandb": {"project": "sales", "tags": ["a"]}}]},
    "owned": {"cancel_after_timeout": 900, "delete_model_on_destroy": True},
    "share": ["proj_b", "proj_d"],
}


def kinds(step: dict[str, Any]) -> dict[str, str]:
    """Return the kind of change of each property of a step, by path."""
    return {path: found["kind"] for path, found in (step.get("detailedDiff") or {}).items()}


def test_a_preview_shows_changed_paths_but_no_secrets(make_stack: Callable[..., Stack]) -> None:
    stack = with_data(make_stack(PROGRAM, CHANGES="{}", SECRET=SECRETS[0]))
    texts = [stack.up().text, stack.export()]
    stack.environment.update(CHANGES=json.dumps(CHANGES), SECRET=SECRETS[1])

    texts += [stack.preview("--diff").text, stack.preview("--json").text]

    assert "~ n_epochs: 3 => 4" in texts[-2]
    assert "replaces ftjob-" in texts[-2]
    assert ": n_epochs 3 → 4 trains again, cost not known" in texts[-2]
    assert ": metadata.note [secret] trains again, " in texts[-2]
    steps = {step["urn"].rsplit("::", 1)[1]: step for step in json.loads(texts[-1])["steps"]}
    assert {name: (step["op"], kinds(step)) for name, step in steps.items() if step["op"] != "same"} == {
        "trained": ("replace", {"method.supervised.hyperparameters.n_epochs": "update-replace"}),
        "described": (
            "replace",
            {
                "metadata.team": "update-replace",
                'metadata["cost.center"]': "update-replace",
                "metadata.new": "add-replace",
            },
        ),
        "followed": ("replace", {"integrations[0].wandb.project": "update-replace"}),
        "owned": ("update", {"cancel_after_timeout": "update", "delete_model_on_destroy": "add"}),
        "secret": ("replace", {"metadata.note": "update-replace"}),
        "share": ("update", {"project_ids": "update"}),
    }
    stack.environment["SECRET"] = SECRETS[1] * 40
    refused = stack.preview(code=None)
    assert refused.code == 1
    assert "metadata.note" in refused.text
    for text in (*texts, refused.text):
        assert not any(secret in text for secret in SECRETS)
    secret = resources(stack)["secret"]
    assert "ciphertext" in secret["inputs"]["metadata"]["note"]
    assert "ciphertext" in secret["outputs"]["metadata"]["note"]
    assert "ciphertext" in secret["outputs"]["__asked"]
