from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_policy import EnforcementLevel

from pulumi_openai_ft.cli import policy_config
from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.policies import RULES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.json"


def test_without_a_file_the_defaults_are_used() -> None:
    assert policy_config.read(None) == {rule.name: (rule.level, {}) for rule in RULES}


def test_a_rule_accepts_a_level_or_an_object(file: Path) -> None:
    written = {
        "all": "advisory",
        "fine-tuning-epochs": {"enforcementLevel": "mandatory", "max": 3},
        "fine-tuning-suffix": {"required": True},
        "wandb-entity": "disabled",
    }
    file.write_text(json.dumps(written))

    found = policy_config.read(file)

    assert found["fine-tuning-epochs"] == (EnforcementLevel.MANDATORY, {"max": 3})
    assert found["fine-tuning-suffix"] == (EnforcementLevel.ADVISORY, {"required": True})
    assert found["wandb-entity"] == (EnforcementLevel.DISABLED, {})
    assert found["training-file-purpose"] == (EnforcementLevel.ADVISORY, {})


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([], "is not a JSON object; write an object with a key for each rule"),
        (
            {"fine-tuning-epoch": "advisory"},
            "fine-tuning-epoch is not a rule of the policy pack. Did you mean 'fine-tuning-epochs'?",
        ),
        (
            {"all": "mandatori"},
            "all: the level is 'mandatori', write one of advisory, mandatory, remediate, disabled. Did you mean 'mandatory'?",
        ),
        (
            {"wandb-entity": 1},
            "wandb-entity: is 1, write a level, or an object with enforcementLevel and options",
        ),
        (
            {"all": "strict"},
            "all: the level is 'strict', write one of advisory, mandatory, remediate, disabled",
        ),
        (
            {"fine-tuning-epochs": {"max": 0}},
            "fine-tuning-epochs: max is 0, must be an integer of at least 1",
        ),
    ],
)
def test_an_invalid_configuration_is_reported(file: Path, written: Any, message: str) -> None:
    file.write_text(json.dumps(written))

    with pytest.raises(InputError) as raised:
        policy_config.read(file)

    assert message in str(raised.value)


def test_an_unreadable_configuration_is_named(file: Path) -> None:
    with pytest.raises(InputError, match=r"rules.json cannot be read: No such file"):
        policy_config.read(file)

    file.write_text("{")
    with pytest.raises(InputError, match=r"rules.json is not JSON: "):
        policy_config.read(file)
