from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pulumi_policy import EnforcementLevel

import pulumi_openai_ft as openai_ft
from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft.host._schema import RESOURCES as MODELS
from pulumi_openai_ft.policies import RULES, policies
from pulumi_openai_ft.policies._rule import Rule
from pulumi_openai_ft.policies._schema import schema_errors

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policies"
RESOURCES = {
    FILE_TYPE: openai_ft.File,
    JOB_TYPE: openai_ft.FineTuningJob,
    PERMISSION_TYPE: openai_ft.FineTuningCheckpointPermission,
}
LEVELS = {
    "detect-secrets": "remediate",
    "fine-tuning-supported-model": "mandatory",
    "fine-tuning-known-model": "advisory",
    "fine-tuning-model-near-shutdown": "advisory",
    "fine-tuning-no-new-jobs-after": "advisory",
    "checkpoint-permission-admin-key": "mandatory",
    "checkpoint-permission-project": "mandatory",
    "no-keys-in-properties": "mandatory",
    "no-keys-in-outputs": "advisory",
    "training-file-purpose": "mandatory",
    "fine-tuning-deadline": "advisory",
    "fine-tuning-budget": "mandatory",
    "fine-tuning-stack-budget": "mandatory",
    "fine-tuning-epochs": "advisory",
    "fine-tuning-quality": "advisory",
    "fine-tuning-metadata": "advisory",
    "fine-tuning-suffix": "advisory",
    "protect-in-production": "mandatory",
    "wandb-entity": "mandatory",
}


def test_the_pack_has_these_rules_at_these_levels() -> None:
    assert {rule.name: rule.level.value for rule in RULES} == LEVELS
    assert [policy.name for policy in policies()] == list(LEVELS)


def test_rules_that_detect_secrets_come_first() -> None:
    assert RULES[0].level is EnforcementLevel.REMEDIATE


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_description_with_a_reason(rule: Rule) -> None:
    assert rule.description.endswith(".")
    assert rule.reason


@pytest.mark.parametrize(("kind", "resource"), RESOURCES.items())
def test_a_type_token_matches_its_class(kind: str, resource: type) -> None:
    assert kind == f"pulumi-python:{resource._resource_type_name}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if isinstance(rule, Rule)], ids=lambda rule: rule.name
)
def test_a_rule_reads_only_existing_properties(rule: Rule) -> None:
    assert set(rule.kinds) <= RESOURCES.keys()
    assert [
        name
        for kind in rule.kinds
        for name in rule.properties
        if name not in MODELS[RESOURCES[kind]].model_fields
    ] == []


def test_the_sample_configuration_is_valid_and_complete() -> None:
    sample = json.loads((PACK / "config.json").read_text())

    assert sample.keys() == LEVELS.keys()
    for rule in RULES:
        given = dict(sample[rule.name])
        assert EnforcementLevel(given.pop("enforcementLevel"))
        assert schema_errors(rule.schema, given) == []
        assert given.keys() == rule.schema.keys()


def test_the_pack_of_this_repository_is_three_lines() -> None:
    assert (PACK / "__main__.py").read_text() == "from pulumi_openai_ft.policies import pack\n\npack()\n"
    described = yaml.safe_load((PACK / "PulumiPolicy.yaml").read_text())
    assert described["runtime"] == {"name": "python", "options": {"virtualenv": "../.venv"}}


def test_the_package_does_not_need_pulumi_policy() -> None:
    code = "import sys, pulumi_openai_ft.cli.main, pulumi_openai_ft.file; sys.exit('pulumi_policy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_pulumi_policy_it_names_the_extra_to_install() -> None:
    code = "import sys; sys.modules['pulumi_policy'] = None; import pulumi_openai_ft.policies"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr.endswith(
        "ModuleNotFoundError: policies require the package pulumi-policy: install the extra `policies` (docs/install.md)\n"
    )
