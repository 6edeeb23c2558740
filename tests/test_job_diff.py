from __future__ import annotations

from typing import Any

import pytest
from pulumi.output import Unknown
from tests.support import shown

from pulumi_openai_ft._job_diff import asks_for_another
from pulumi_openai_ft._job_inputs import REPLACING

JOB: dict[str, Any] = {
    "model": "gpt-4o-mini-2024-07-18",
    "training_file": "file-1",
    "validation_file": "file-2",
    "suffix": "support",
    "seed": 7.0,
    "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3.0, "batch_size": 1.0}}},
    "integrations": [{"type": "wandb", "wandb": {"project": "p", "run_id": "r", "tags": ["a"]}}],
    "metadata": {"owner": "me"},
    "__training_file_sha256": "aa",
}


def replaces(**inputs: Any) -> list[str]:
    return [name for name in REPLACING if asks_for_another(name, inputs, JOB)]


def method(**hyperparameters: Any) -> dict[str, Any]:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"model": "gpt-4o-mini"},
        {"model": "gpt-4o-mini-2024-07-18"},
        {"seed": 7},
        {"method": {"type": "supervised"}},
        {"method": method(n_epochs="auto")},
        {"method": method(n_epochs=3, batch_size="auto")},
        {"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]},
        {"metadata": {"owner": "me"}},
        {"training_file": "file-9", "__training_file_sha256": "aa"},
        {"training_file": Unknown(), "__training_file_sha256": "aa"},
    ],
    ids=shown,
)
def test_the_job_satisfies_what_it_resolved(inputs: dict[str, Any]) -> None:
    assert replaces(**inputs) == []


@pytest.mark.parametrize(
    "inputs",
    [
        {"model": "gpt-4o"},
        {"model": "gpt-4o-mini-2025-01-01"},
        {"model": Unknown()},
        {"training_file": "file-9"},
        {"training_file": Unknown()},
        {"training_file": "file-1", "__training_file_sha256": "bb"},
        {"training_file": Unknown(), "__training_file_sha256": Unknown()},
        {"validation_file": "file-9"},
        {"suffix": "sales"},
        {"seed": 0},
        {"method": method(n_epochs=4)},
        {"method": method(n_epochs=Unknown())},
        {"method": {"type": "dpo"}},
        {"integrations": [{"type": "wandb", "wandb": {"project": "q"}}]},
        {"metadata": {"owner": "you"}},
        {"metadata": {"team": "new"}},
        {"extra_body": {"trainingType": "globalstandard"}},
        {"triggers": ["again"]},
    ],
    ids=shown,
)
def test_another_wish_asks_for_another_job(inputs: dict[str, Any]) -> None:
    names = [name for name in inputs if not name.startswith("__")]

    assert replaces(**inputs) == names
