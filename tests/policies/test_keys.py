from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import Secret
from tests.policies.harness import KEY, VALID, PolicyHarness, resource, stack_violations, violations

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PROVIDER_TYPE
from pulumi_openai_ft.policies.keys import DETECT_SECRETS, NO_KEYS_IN_OUTPUTS, NO_KEYS_IN_PROPERTIES

BUCKET = "aws:s3/bucket:Bucket"
STACK = "pulumi:pulumi:Stack"
KEYS = [
    KEY,
    "sk-admin-0123456789abcdef",
    "sk-svcacct-0123456789abcdef",
    "sk-" + "a1B2" * 12,
    f"Bearer {KEY}",
    f"https://user:{KEY}@shop.example",
]


@pytest.mark.parametrize("kind", VALID)
def test_a_resource_without_keys_is_fine(kind: str) -> None:
    assert violations(NO_KEYS_IN_PROPERTIES, kind, VALID[kind]) == []


@pytest.mark.parametrize("text", KEYS)
@pytest.mark.parametrize("kind", [JOB_TYPE, BUCKET])
def test_a_key_in_any_property_is_refused(kind: str, text: str) -> None:
    (found,) = violations(NO_KEYS_IN_PROPERTIES, kind, {"tags": [{"note": text}]})

    assert found.startswith(
        "tags[0].note: contains a plaintext key: create a new key, and read it from a secret"
    )
    assert text not in found


def test_a_key_used_as_property_name_is_not_shown() -> None:
    (found,) = violations(NO_KEYS_IN_PROPERTIES, JOB_TYPE, {"metadata": {KEY: "x"}})

    assert found.startswith("metadata.sk-…cdef: contains a plaintext key")


@pytest.mark.parametrize(
    "text", ["sk-learn-pipeline-v2-0123456789", "task-proj-0123456789abcdef", "sk-proj-", "a sk-"]
)
def test_a_key_prefix_alone_is_not_a_key(text: str) -> None:
    assert violations(NO_KEYS_IN_PROPERTIES, JOB_TYPE, {"metadata": {"note": text}}) == []


def test_the_stacks_own_key_is_found_in_any_form() -> None:
    azure = {"openai-ft:apiKey": Secret("0123456789abcdef0123456789abcdef")}

    (found,) = violations(
        NO_KEYS_IN_PROPERTIES, JOB_TYPE, {"suffix": "0123456789abcdef0123456789abcdef"}, configuration=azure
    )

    assert found.startswith("suffix: contains a plaintext key")
    assert "0123456789abcdef" not in found


def test_a_secret_may_be_a_key() -> None:
    assert (
        violations(NO_KEYS_IN_PROPERTIES, BUCKET, {"value": Secret(KEY), "nested": {"value": Secret(KEY)}})
        == []
    )


def test_a_key_in_the_configuration_must_be_a_secret() -> None:
    configuration = {"openai-ft:apiKey": Secret(KEY), "shop:key": KEY}

    (found,) = violations(NO_KEYS_IN_PROPERTIES, PROVIDER_TYPE, configuration)

    assert (
        found
        == "shop:key: is a plaintext key: create a new key, and run `pulumi config set --secret shop:key`"
    )


def test_a_key_setting_must_be_secret_in_any_form() -> None:
    (found,) = violations(NO_KEYS_IN_PROPERTIES, PROVIDER_TYPE, {"openai-ft:adminKey": "azure"})

    assert found.endswith("and run `pulumi config set --secret openai-ft:adminKey`")
    assert violations(NO_KEYS_IN_PROPERTIES, PROVIDER_TYPE, {"openai-ft:adminKey": Secret("azure")}) == []


def test_without_secret_marks_a_key_is_refused_with_advice() -> None:
    (found,) = violations(NO_KEYS_IN_PROPERTIES, JOB_TYPE, {"suffix": KEY}, detects_secrets=False)

    assert found == (
        'suffix: contains a key, but this rule cannot determine whether it is secret: set "detect-secrets" to "remediate" in the '
        "configuration of the policy pack"
    )


def test_a_key_in_an_output_is_reported() -> None:
    exports = resource(STACK, {"key": KEY, "model": "ft:x"}, "shop-dev")
    plain = resource(FILE_TYPE, {"filename": "data.jsonl"}, "data")

    assert stack_violations(NO_KEYS_IN_OUTPUTS, plain, exports) == [
        ("shop-dev", "key: this output contains a key: remove it, even if it is secret")
    ]


def test_the_configuration_is_not_an_output() -> None:
    assert (
        stack_violations(NO_KEYS_IN_OUTPUTS, resource(PROVIDER_TYPE, {"openai-ft:apiKey": KEY}, "default"))
        == []
    )


def test_an_output_of_secret_input_may_be_a_key() -> None:
    policies = PolicyHarness()
    policies.detect_secrets(BUCKET, {"value": Secret(KEY)}, "it")

    assert (
        stack_violations(NO_KEYS_IN_OUTPUTS, resource(BUCKET, {"value": KEY}, "it"), marks=policies.marks)
        == []
    )


@pytest.mark.parametrize("props", [{}, {"value": Secret(KEY)}, {"value": [{"deep": Secret(1)}]}])
def test_detection_changes_nothing(props: dict[str, Any]) -> None:
    policies = PolicyHarness()

    assert (
        DETECT_SECRETS.policy(policies.marks).remediate(policies.remediation_arguments(BUCKET, props)) is None
    )
    assert policies.marks.secret(policies.remediation_arguments(BUCKET, props).urn) == frozenset(props)
