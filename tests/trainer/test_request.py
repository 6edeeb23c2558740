from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.request import read_request

if TYPE_CHECKING:
    from pathlib import Path

REQUEST: dict[str, Any] = {
    "schema": 1,
    "job": "ftjob-1",
    "attempt": 1,
    "base": "/models/base",
    "adapter": None,
    "method": "dpo",
    "hyperparameters": {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 0.5, "beta": 0.2},
    "learning_rate": 1e-4,
    "seed": 7,
    "lora": {"r": 16, "alpha": 32},
    "max_length": 2048,
    "keep_checkpoints": 3,
    "wandb": {"project": "p", "entity": None, "name": None, "tags": None},
}


def written(folder: Path, content: object) -> Path:
    file = folder / "request.json"
    file.write_text(json.dumps(content))
    return file


def test_a_request_is_read(tmp_path: Path) -> None:
    request = read_request(written(tmp_path, REQUEST))

    assert request.hyperparameters.beta == 0.2
    assert request.wandb
    assert request.wandb.project == "p"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": 2}, "reads version 1 of training requests, not 2: install the server and the trainer"),
        ({"seed": "7"}, r"Expected `int`, got `str` - at `\$.seed`"),
        ({"method": "reinforcement"}, "Invalid enum value 'reinforcement'"),
        (
            {"hyperparameters": {**REQUEST["hyperparameters"], "n_epochs": "auto"}},
            "Expected `int`, got `str`",
        ),
        ({"surprise": 1}, "unknown field `surprise`"),
    ],
)
def test_an_invalid_request_is_refused(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(TrainingError, match=problem) as raised:
        read_request(written(tmp_path, {**REQUEST, **change}))

    assert raised.value.code == "invalid_request"
