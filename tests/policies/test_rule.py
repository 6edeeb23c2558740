from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy import ResourceValidationPolicy, Secret, StackValidationPolicy
from tests.policies.harness import (
    ADMIN_KEY,
    KEY,
    UNKNOWN,
    VALID,
    PolicyHarness,
    resource,
    stack_violations,
    violations,
)

from pulumi_openai_ft._shared.state_names import JOB_TYPE, PERMISSION_TYPE, PROVIDER_TYPE
from pulumi_openai_ft.policies import RULES
from pulumi_openai_ft.policies._checked_resource import SecretMarks
from pulumi_openai_ft.policies._rule import Rule, StackRule
from pulumi_openai_ft.policies.deadline import DEADLINE
from pulumi_openai_ft.policies.job_settings import SUFFIX
from pulumi_openai_ft.policies.stack_rules import TRAINING_FILE_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Callable

SINGLE = [rule for rule in RULES if isinstance(rule, Rule)]
OF_STACKS = [rule for rule in RULES if isinstance(rule, StackRule)]
REMEDYING = [rule for rule in SINGLE if rule.remediation]

texts = (
    st.sampled_from([KEY, ADMIN_KEY, UNKNOWN, "gpt-4.1-nano", "fine-tune", "auto", "[secret]", "Ä ::"])
    | st.text()
)
leaves = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts
secrets: Callable[[Any], Secret] = Secret


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(
        ["type", "wandb", "supervised", "hyperparameters", "n_epochs", "owner", "__target", KEY]
    )
    return (
        st.lists(inner, max_size=3)
        | st.dictionaries(names | st.text(), inner, max_size=3)
        | inner.map(secrets)
    )


values = st.recursive(leaves, nested, max_leaves=8)
properties = st.dictionaries(
    st.sampled_from(sorted({name for props in VALID.values() for name in props} | {"wait_for_completion"}))
    | st.text(),
    values,
)
configurations = st.dictionaries(
    st.sampled_from(
        ["openai-ft:apiKey", "openai-ft:adminKey", "openai-ft:catalog", "openai-ft:service", "shop:x"]
    ),
    texts | texts.map(secrets),
)
kinds = st.sampled_from([*VALID, PROVIDER_TYPE, "aws:s3/bucket:Bucket"])


@pytest.mark.parametrize("rule", SINGLE, ids=lambda rule: rule.name)
@given(data=st.data())
def test_no_rule_raises_or_shows_a_key(rule: Rule, data: st.DataObject) -> None:
    found = violations(
        rule,
        data.draw(kinds),
        data.draw(properties),
        configuration=data.draw(configurations),
        detects_secrets=data.draw(st.booleans()),
        config={"unknowns": "report"} if rule.properties else None,
    )

    assert [text for text in found if KEY in text or ADMIN_KEY in text] == []


@pytest.mark.parametrize("rule", OF_STACKS, ids=lambda rule: rule.name)
@given(kind=kinds, outputs=properties)
def test_no_stack_rule_raises_or_shows_a_key(rule: StackRule, kind: str, outputs: dict[str, Any]) -> None:
    one = resource(kind, outputs, "one")

    found = stack_violations(rule, one, resource(JOB_TYPE, outputs, "job", training_file=one))

    assert [text for _, text in found if KEY in text or ADMIN_KEY in text] == []


@pytest.mark.parametrize("rule", REMEDYING, ids=lambda rule: rule.name)
@given(changes=properties)
def test_a_remediation_satisfies_its_rule(rule: Rule, changes: dict[str, Any]) -> None:
    config = {"values": {"owner": "platform"}} if "values" in rule.options else {}
    written = PolicyHarness().remedied(rule, JOB_TYPE, {**VALID[JOB_TYPE], **changes}, config)

    assert written is None or violations(rule, JOB_TYPE, written, config=config) == []


@pytest.mark.parametrize("rule", REMEDYING, ids=lambda rule: rule.name)
def test_a_remediation_does_not_change_other_resources(rule: Rule) -> None:
    assert (
        PolicyHarness().remedied(
            rule, PERMISSION_TYPE, {}, {"values": {"owner": "x"}} if "values" in rule.options else {}
        )
        is None
    )


@pytest.mark.parametrize("rule", SINGLE, ids=lambda rule: rule.name)
def test_a_rule_becomes_a_policy(rule: Rule) -> None:
    policy = rule.policy(SecretMarks())

    assert isinstance(policy, ResourceValidationPolicy)
    assert (policy.name, policy.description, policy.enforcement_level) == (
        rule.name,
        rule.description,
        rule.level,
    )
    assert policy.has_remediation() == bool(rule.remediation)
    assert policy.config_schema
    assert policy.config_schema.properties == rule.schema


@pytest.mark.parametrize("rule", OF_STACKS, ids=lambda rule: rule.name)
def test_a_rule_of_stacks_becomes_a_policy(rule: StackRule) -> None:
    policy = rule.policy(SecretMarks())

    assert isinstance(policy, StackValidationPolicy)
    assert (policy.name, policy.description, policy.enforcement_level) == (
        rule.name,
        rule.description,
        rule.level,
    )


def test_an_exempt_resource_is_not_checked() -> None:
    config = {"exempt": ["it"]}

    assert violations(SUFFIX, JOB_TYPE, {"suffix": "A"}, config=config) == []
    assert len(violations(SUFFIX, JOB_TYPE, {"suffix": "A"}, config=config, name="other")) == 1


def test_a_wrong_configuration_is_a_violation() -> None:
    (found,) = violations(DEADLINE, JOB_TYPE, VALID[JOB_TYPE], config={"max_second": 5})
    assert found == (
        "the configuration of fine-tuning-deadline is invalid: unknown option 'max_second', must be one of exempt, "
        "max_seconds, unknowns, without_waiting. Did you mean 'max_seconds'?"
    )
    assert PolicyHarness().remedied(DEADLINE, JOB_TYPE, {"model": "x"}, {"max_seconds": "5"}) is None
    ((_, found),) = stack_violations(
        TRAINING_FILE_PURPOSE, resource(JOB_TYPE, {}, "job"), config={"purposes": []}
    )
    assert found.startswith(
        "the configuration of training-file-purpose is invalid: unknown option 'purposes'"
    )


def test_an_empty_stack_is_fine() -> None:
    assert stack_violations(TRAINING_FILE_PURPOSE) == []
