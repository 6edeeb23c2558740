from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import Secret
from tests.policies.harness import UNKNOWN, VALID, PolicyHarness, violations, wire, without

from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.policies.job_settings import EPOCHS, METADATA, SUFFIX, WANDB_ENTITY

VALUES = {"values": {"owner": "platform"}}


def job(**changes: Any) -> dict[str, Any]:
    return {**VALID[JOB_TYPE], **changes}


def epochs(number: Any, kind: str = "supervised") -> dict[str, Any]:
    return job(method={"type": kind, kind: {"hyperparameters": {"n_epochs": number}}})


def wandb(**settings: str) -> dict[str, Any]:
    return job(integrations=[{"type": "wandb", "wandb": {"project": "shop", **settings}}])


@pytest.mark.parametrize("rule", [EPOCHS, METADATA, SUFFIX, WANDB_ENTITY], ids=lambda rule: rule.name)
def test_a_job_within_the_limits_is_fine(rule: Any) -> None:
    assert violations(rule, JOB_TYPE, VALID[JOB_TYPE]) == []


@pytest.mark.parametrize("kind", ["supervised", "dpo", "reinforcement"])
def test_too_many_epochs_are_reported(kind: str) -> None:
    assert violations(EPOCHS, JOB_TYPE, epochs(11, kind)) == [
        f"method.{kind}.hyperparameters.n_epochs: 11 exceeds 10: set it to 10 or less"
    ]


@pytest.mark.parametrize("number", [1, 10, "auto", UNKNOWN])
def test_allowed_or_automatic_epochs_pass(number: Any) -> None:
    assert violations(EPOCHS, JOB_TYPE, epochs(number)) == []


def test_the_maximum_number_of_epochs_can_be_configured() -> None:
    assert violations(EPOCHS, JOB_TYPE, epochs(11), config={"max": 11.0}) == []
    assert len(violations(EPOCHS, JOB_TYPE, epochs(3), config={"max": 2.0})) == 1


def test_unknown_epochs_are_reported_on_request() -> None:
    (found,) = violations(EPOCHS, JOB_TYPE, epochs(UNKNOWN), config={"unknowns": "report"})

    assert found.startswith("method.supervised.hyperparameters.n_epochs: the value is not known yet")


@pytest.mark.parametrize("suffix", ["Support", "kunden-ß", "-support", "a b"])
def test_a_suffix_of_another_form_is_reported(suffix: str) -> None:
    assert violations(SUFFIX, JOB_TYPE, job(suffix=suffix)) == [
        f"suffix: {suffix!r} is invalid: must match ^[a-z0-9][a-z0-9_-]*$"
    ]


def test_a_suffix_can_be_required() -> None:
    assert violations(SUFFIX, JOB_TYPE, without(JOB_TYPE, "suffix")) == []
    assert violations(
        SUFFIX, JOB_TYPE, without(JOB_TYPE, "suffix"), config={"required": True, "pattern": "^shop-"}
    ) == ["suffix: is missing: set a suffix that matches ^shop-"]


def test_a_secret_suffix_is_not_shown() -> None:
    (found,) = violations(SUFFIX, JOB_TYPE, job(suffix=Secret("Hush")))
    assert found.startswith("suffix: [secret] is invalid")

    (found,) = violations(SUFFIX, JOB_TYPE, job(suffix="Hush"), detects_secrets=False)
    assert found.startswith("suffix: [hidden] is invalid")


@pytest.mark.parametrize("metadata", [None, {}, {"team": "x"}, {"owner": ""}])
def test_missing_metadata_is_reported(metadata: Any) -> None:
    assert violations(METADATA, JOB_TYPE, job(metadata=metadata)) == [
        "metadata.owner: is missing: add it, such as metadata={'owner': …}"
    ]


def test_which_metadata_is_required_can_be_configured() -> None:
    assert violations(METADATA, JOB_TYPE, without(JOB_TYPE, "metadata"), config={"required": []}) == []
    (found,) = violations(METADATA, JOB_TYPE, VALID[JOB_TYPE], config={"required": ["owner", "cost-centre"]})
    assert found.startswith("metadata.cost-centre: is missing")


def test_missing_metadata_is_filled_in_from_the_configuration() -> None:
    given = job(metadata={"team": "x"})

    changed = PolicyHarness().remedied(METADATA, JOB_TYPE, given, VALUES)

    assert changed == wire(job(metadata={"team": "x", "owner": "platform"}))
    assert violations(METADATA, JOB_TYPE, changed or {}) == []


def test_secret_metadata_stays_secret() -> None:
    changed = PolicyHarness().remedied(METADATA, JOB_TYPE, job(metadata=Secret({"team": "x"})), VALUES)

    assert changed == wire(job(metadata=Secret({"team": "x", "owner": "platform"})))


@pytest.mark.parametrize(
    ("metadata", "config"),
    [
        ({"owner": "support"}, VALUES),
        ({}, {}),
        ({}, {"required": ["owner", "team"], **VALUES}),
        ({"team": UNKNOWN}, VALUES),
        ({f"key{number}": "x" for number in range(15)}, VALUES),
        ({}, {"values": {"owner": "x" * 513}}),
        ({}, {"exempt": ["it"], **VALUES}),
    ],
    ids=["already set", "no value", "not all values", "unknown", "full", "too long", "exempt"],
)
def test_metadata_is_filled_in_only_where_possible(metadata: Any, config: Any) -> None:
    assert PolicyHarness().remedied(METADATA, JOB_TYPE, job(metadata=metadata), config) is None


def test_without_a_list_any_account_is_fine() -> None:
    assert violations(WANDB_ENTITY, JOB_TYPE, wandb(entity="another-team")) == []


def test_an_account_that_is_not_listed_is_refused() -> None:
    allowed = {"allowed": ["support-team", "platform"]}

    assert violations(WANDB_ENTITY, JOB_TYPE, VALID[JOB_TYPE], config=allowed) == []
    assert violations(WANDB_ENTITY, JOB_TYPE, wandb(entity="another-team"), config=allowed) == [
        "integrations[0].wandb.entity: 'another-team' is not in `allowed` of this rule: must be one of support-team, platform"
    ]
    assert violations(WANDB_ENTITY, JOB_TYPE, wandb(), config=allowed) == [
        "integrations[0].wandb.entity: is missing: must be one of support-team, platform"
    ]


def test_an_account_that_is_not_known_yet_is_skipped() -> None:
    assert (
        violations(WANDB_ENTITY, JOB_TYPE, wandb(entity=UNKNOWN), config={"allowed": ["support-team"]}) == []
    )
