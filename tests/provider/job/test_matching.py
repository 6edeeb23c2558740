from __future__ import annotations

from typing import Any

import pytest

from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._provider.job.matching import is_result_of

GRADER = {"type": "python", "name": "code", "source": "def grade(sample, item):\n    return 1.0\n"}


def supervised(**hyperparameters: Any) -> dict[str, Any]:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


BODY = {
    "model": "gpt-4.1-mini",
    "training_file": "file-1",
    "validation_file": "file-2",
    "suffix": "support",
    "seed": 7,
    "method": supervised(n_epochs=3, batch_size="auto", lora_r=16),
    "integrations": [{"type": "wandb", "wandb": {"project": "shop"}}],
    "metadata": {"team": "shop"},
}
JOB = {
    "id": "ftjob-1",
    "status": "queued",
    "model": "gpt-4.1-mini-2025-04-14",
    "training_file": "file-1",
    "validation_file": "file-2",
    "user_provided_suffix": "support",
    "seed": 7,
    "method": supervised(n_epochs=3, batch_size=4, lora_r=16),
    "integrations": [{"type": "wandb", "wandb": {"project": "shop", "run_id": "x"}}],
}


@pytest.mark.parametrize("field", ["validation_file", "user_provided_suffix"])
@pytest.mark.parametrize(("value", "ignored"), [(None, True), (..., True), ("other", False)])
def test_missing_values_can_be_ignored(field: str, value: Any, ignored: bool) -> None:  # noqa: FBT001
    job = Job.model_validate({name: v for name, v in {**JOB, field: value}.items() if v is not ...})

    assert is_result_of(job, BODY) is False
    assert is_result_of(job, BODY, ignores_missing=True) is ignored


def matches(changes: dict[str, Any], body: dict[str, Any] | None = None) -> bool:
    job = {name: value for name, value in {**JOB, **changes}.items() if value is not ...}
    return is_result_of(Job.model_validate(job), {**BODY, **(body or {})})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seed": None},
        {"seed": ...},
        {"method": None},
        {"method": ..., "hyperparameters": {"n_epochs": 3.0, "batch_size": -1}},
        {"method": ..., "hyperparameters": None},
        {"method": supervised(n_epochs="auto", batch_size="auto")},
        {"method": supervised(n_epochs=3)},
        {"integrations": None},
        {"integrations": []},
        {"user_provided_suffix": ..., "suffix": "support"},
        {"metadata": {}},
    ],
    ids=str,
)
def test_values_of_the_service_are_no_differences(changes: dict[str, Any]) -> None:
    assert matches(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"training_file": "file-3"},
        {"training_file": None},
        {"validation_file": "file-3"},
        {"validation_file": None},
        {"user_provided_suffix": "sales"},
        {"user_provided_suffix": None},
        {"model": "gpt-4o-mini-2024-07-18"},
        {"seed": 8},
        {"method": supervised(n_epochs=4)},
        {"method": supervised(n_epochs=3, lora_r=8)},
        {"method": ..., "hyperparameters": {"n_epochs": 4}},
        {"method": {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 3}}}},
        {"integrations": [{"type": "wandb", "wandb": {"project": "sales"}}]},
    ],
    ids=str,
)
def test_other_values_are_differences(changes: dict[str, Any]) -> None:
    assert not matches(changes)


@pytest.mark.parametrize("name", ["validation_file", "suffix"])
def test_a_value_that_was_not_sent_is_a_difference(name: str) -> None:
    assert not matches({}, {name: None})


def test_an_unshown_method_is_not_compared() -> None:
    method = {"type": "reinforcement", "reinforcement": {"grader": GRADER}}

    assert matches({"method": None}, {"method": method})
    assert not matches({}, {"method": method})
