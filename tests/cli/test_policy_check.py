from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from tests.policies.harness import KEY, TODAY, VALID, urn_of

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE, PROVIDER_TYPE
from pulumi_openai_ft.cli import policy_config
from pulumi_openai_ft.cli.policy_check import Violation, as_json, as_table, violations

LATER = date(2027, 1, 14)
ENCRYPTED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
PROVIDER_ID = f"{urn_of(PROVIDER_TYPE, 'default')}::4711"


def state_resource(kind: str, *, name: str = "it", stack: str = "dev", **changes: Any) -> dict[str, Any]:
    """Return a resource in the form of a state."""
    inputs = {**VALID.get(kind, {}), "__provider": "abc", **changes.pop("inputs", {})}
    return {
        "urn": urn_of(kind, name, stack),
        "type": kind,
        "inputs": inputs,
        "outputs": {**inputs, **changes.pop("outputs", {})},
        "provider": PROVIDER_ID,
        **changes,
    }


def provider(**configuration: Any) -> dict[str, Any]:
    inputs = {name.replace("__", ":").replace("_", "-"): value for name, value in configuration.items()}
    return {
        "urn": urn_of(PROVIDER_TYPE, "default"),
        "type": PROVIDER_TYPE,
        "inputs": inputs,
        "outputs": inputs,
    }


def reported(*resources: dict[str, Any], day: date = TODAY) -> list[tuple[str, str, str]]:
    """Return level, rule and resource of each violation."""
    return [
        (violation.level, violation.rule, violation.name)
        for violation in violations(resources, policy_config.read(None), day)
    ]


NEAR = ("advisory", "fine-tuning-model-near-shutdown", "it")


@pytest.mark.parametrize("kind", VALID)
def test_a_compliant_stack_has_no_violations(kind: str) -> None:
    assert reported(provider(), state_resource(kind), day=date(2026, 6, 1)) == []


def test_a_model_shut_down_since_creation_is_reported() -> None:
    found = reported(state_resource(JOB_TYPE), day=LATER)

    assert ("mandatory", "fine-tuning-supported-model", "it") in found
    assert ("advisory", "fine-tuning-no-new-jobs-after", "it") in found


def test_the_configuration_of_the_last_update_is_used() -> None:
    assert NEAR in reported(provider(), state_resource(JOB_TYPE))
    assert NEAR not in reported(provider(openai_ft__service="azure"), state_resource(JOB_TYPE))


def test_a_permission_is_checked_without_a_key() -> None:
    assert reported(provider(), state_resource(PERMISSION_TYPE)) == []


def test_protection_is_read_from_the_state() -> None:
    lost = ("mandatory", "protect-in-production", "it")

    assert lost in reported(state_resource(JOB_TYPE, stack="prod"))
    assert lost not in reported(state_resource(JOB_TYPE, stack="prod", protect=True))


def test_a_plaintext_key_is_found() -> None:
    unencrypted = state_resource(
        JOB_TYPE, inputs={"metadata": {"owner": "x", "key": KEY}}, outputs={"error": KEY}
    )
    secret = state_resource(
        JOB_TYPE, name="other", inputs={"metadata": ENCRYPTED}, outputs={"error": {"message": ENCRYPTED}}
    )

    found = reported(provider(shop__key=KEY, openai_ft__apiKey=ENCRYPTED), unencrypted, secret)

    assert [(rule, name) for _, rule, name in found if rule.startswith("no-keys")] == [
        ("no-keys-in-properties", "default"),
        ("no-keys-in-properties", "it"),
        ("no-keys-in-outputs", "it"),
        ("no-keys-in-outputs", "it"),
    ]


def test_a_secret_is_not_checked() -> None:
    assert [
        rule
        for _, rule, _ in reported(state_resource(JOB_TYPE, inputs={"model": ENCRYPTED, "suffix": ENCRYPTED}))
    ] == []


def test_the_training_file_of_a_job_is_known() -> None:
    batch = state_resource(FILE_TYPE, name="data", inputs={"purpose": "batch"})
    job = state_resource(JOB_TYPE, propertyDependencies={"training_file": [batch["urn"]]})

    assert ("mandatory", "training-file-purpose", "it") in reported(batch, job)


def test_resources_pending_deletion_are_skipped() -> None:
    assert reported(state_resource(JOB_TYPE, delete=True), day=LATER) == []


def test_resources_that_are_only_read_are_skipped() -> None:
    assert reported(state_resource(JOB_TYPE, stack="prod"), day=LATER) != []
    assert reported(state_resource(JOB_TYPE, stack="prod", external=True), day=LATER) == []


def test_an_empty_stack_is_fine() -> None:
    assert reported() == []


FOUND = [
    Violation(
        "fine-tuning-suffix", "advisory", JOB_TYPE, "it", urn_of(JOB_TYPE), "suffix: is missing: write one"
    ),
    Violation(
        "wandb-entity", "mandatory", JOB_TYPE, "support", urn_of(JOB_TYPE, "support"), "integrations: no"
    ),
]


def test_the_table_has_a_line_for_each_violation() -> None:
    assert as_table(FOUND) == (
        "advisory   fine-tuning-suffix  it       suffix: is missing: write one\n"
        "mandatory  wandb-entity        support  integrations: no"
    )
    assert as_table([]) == "no violations"


def test_json_has_an_object_for_each_violation() -> None:
    assert json.loads(as_json(FOUND))[0] == {
        "rule": "fine-tuning-suffix",
        "level": "advisory",
        "type": JOB_TYPE,
        "name": "it",
        "urn": urn_of(JOB_TYPE),
        "message": "suffix: is missing: write one",
    }


def test_without_the_extra_it_names_the_package_to_install() -> None:
    code = (
        "import sys; sys.modules['pulumi_policy'] = None; from pulumi_openai_ft.cli.main import main; "
        "sys.exit(main(['policy', 'check']))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == (
        "openai-ft: this command requires the package 'pulumi_policy'; install the extra `policies` (docs/install.md)\n"
    )
