from __future__ import annotations

from typing import Any

import pytest
from pulumi_policy import Secret
from tests.policies.harness import UNKNOWN, VALID, PolicyHarness, violations, wire, without

from pulumi_openai_ft._provider.input_models import validation_errors
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs
from pulumi_openai_ft._provider.job.validation import conflicting_inputs
from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.policies.deadline import DEADLINE

UNBOUNDED = without(JOB_TYPE, "cancel_after_timeout")


def job(**changes: Any) -> dict[str, Any]:
    return {**VALID[JOB_TYPE], **changes}


def test_a_job_with_a_deadline_is_fine() -> None:
    assert violations(DEADLINE, JOB_TYPE, VALID[JOB_TYPE]) == []


def test_a_job_without_a_deadline_is_reported() -> None:
    assert violations(DEADLINE, JOB_TYPE, UNBOUNDED) == [
        "cancel_after_timeout: is missing: set it to 86400 seconds or less"
    ]


def test_a_late_deadline_is_reported() -> None:
    assert violations(DEADLINE, JOB_TYPE, job(cancel_after_timeout=7200), config={"max_seconds": 3600}) == [
        "cancel_after_timeout: 7200 exceeds 3600 seconds: set it to 3600 or less"
    ]


def test_a_job_without_waiting_is_reported_or_allowed() -> None:
    alone = {**UNBOUNDED, "wait_for_completion": False}

    (found,) = violations(DEADLINE, JOB_TYPE, alone)
    assert found.startswith("wait_for_completion: is False, so the job would never be cancelled: remove it")
    assert violations(DEADLINE, JOB_TYPE, alone, config={"without_waiting": "allow"}) == []


@pytest.mark.parametrize(
    "given", [UNBOUNDED, job(cancel_after_timeout=90000), job(cancel_after_timeout=Secret(90000))]
)
def test_the_remediation_sets_the_latest_deadline(given: dict[str, Any]) -> None:
    changed = PolicyHarness().remedied(DEADLINE, JOB_TYPE, given)

    was_secret = isinstance(given.get("cancel_after_timeout"), Secret)
    assert changed == wire(job(cancel_after_timeout=Secret(86400) if was_secret else 86400))
    assert violations(DEADLINE, JOB_TYPE, changed or {}) == []


def test_the_remediation_keeps_unknown_and_hidden_inputs() -> None:
    given = {**UNBOUNDED, "training_file": UNKNOWN, "__identity": "hidden"}

    assert PolicyHarness().remedied(DEADLINE, JOB_TYPE, given) == wire(
        {**given, "cancel_after_timeout": 86400}
    )


@pytest.mark.parametrize(
    "given",
    [
        VALID[JOB_TYPE],
        {**UNBOUNDED, "wait_for_completion": False},
        {**UNBOUNDED, "wait_for_completion": UNKNOWN},
        job(cancel_after_timeout=UNKNOWN),
    ],
    ids=["already set", "no waiting", "waiting unknown", "unknown"],
)
def test_the_remediation_ignores_inputs_it_cannot_fix(given: dict[str, Any]) -> None:
    assert PolicyHarness().remedied(DEADLINE, JOB_TYPE, given) is None


@pytest.mark.parametrize("waits", [None, True, False])
def test_the_remediation_writes_valid_inputs(waits: bool | None) -> None:  # noqa: FBT001
    given = UNBOUNDED if waits is None else {**UNBOUNDED, "wait_for_completion": waits}

    written = PolicyHarness().remedied(DEADLINE, JOB_TYPE, given) or given

    assert [*validation_errors(FineTuningJobInputs, written), *conflicting_inputs(written)] == []


def test_an_unknown_deadline_is_reported_on_request() -> None:
    (found,) = violations(
        DEADLINE, JOB_TYPE, job(cancel_after_timeout=UNKNOWN), config={"unknowns": "report"}
    )

    assert found.startswith("cancel_after_timeout: the value is not known yet")
