from __future__ import annotations

from typing import Any

import pytest
from tests.policies.harness import UNKNOWN, VALID, resource, stack_violations, violations

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE
from pulumi_openai_ft.policies.budget import BUDGET, STACK_BUDGET

ESTIMATE = {"estimated_tokens": 2_000_000, "estimated_cost_usd": 6.5}
REMEDY = "use fewer examples, fewer epochs or a cheaper model"


def job(**more: Any) -> dict[str, Any]:
    return {**VALID[JOB_TYPE], **more}


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (
            {"max_tokens": 1_999_999},
            "training_file: the estimate of 2,000,000 tokens for all epochs exceeds the limit of 1,999,999",
        ),
        ({"max_usd": 6}, "training_file: the estimated cost of 6.50 USD exceeds the limit of 6 USD"),
    ],
    ids=repr,
)
def test_a_job_over_budget_is_refused_before_creation(limits: dict[str, int], sentence: str) -> None:
    found = violations(BUDGET, JOB_TYPE, job(**ESTIMATE), config=limits)

    assert found == [f"{sentence}: {REMEDY}"]


@pytest.mark.parametrize("limits", [{}, {"max_tokens": 2_000_000, "max_usd": 7}, {"max_tokens": 0}], ids=repr)
def test_a_job_within_its_limits_is_fine(limits: dict[str, int]) -> None:
    assert violations(BUDGET, JOB_TYPE, job(**ESTIMATE), config=limits) == []


@pytest.mark.parametrize("more", [{}, {"estimated_cost_usd": UNKNOWN}, {"estimated_tokens": UNKNOWN}])
def test_jobs_without_an_estimate_are_not_checked(more: dict[str, Any]) -> None:
    assert violations(BUDGET, JOB_TYPE, job(**more), config={"max_tokens": 1, "max_usd": 1}) == []


def test_a_state_is_checked_by_its_jobs_estimate() -> None:
    (found,) = violations(
        BUDGET, JOB_TYPE, job(estimated_tokens=12, estimated_cost_usd=3.0), config={"max_usd": 2}
    )

    assert found.startswith("training_file: the estimated cost of 3.00 USD")


def test_costs_are_summed_and_the_highest_is_named() -> None:
    jobs = [
        resource(JOB_TYPE, {"estimated_tokens": 100, "estimated_cost_usd": 1.5}, "small"),
        resource(JOB_TYPE, ESTIMATE, "big"),
        resource(JOB_TYPE, {}, "imported"),
        resource(FILE_TYPE, VALID[FILE_TYPE], "data"),
    ]

    assert stack_violations(STACK_BUDGET, *jobs, config={"max_tokens": 2_000_099, "max_usd": 7}) == [
        (
            "big",
            f"the estimate of 2,000,100 tokens for all jobs of the stack exceeds the limit of 2,000,099: {REMEDY}",
        ),
        (
            "big",
            f"the estimated cost of 8.00 USD for all jobs of the stack exceeds the limit of 7 USD: {REMEDY}",
        ),
    ]
    assert stack_violations(STACK_BUDGET, *jobs, config={"max_tokens": 2_000_100, "max_usd": 8}) == []
    assert stack_violations(STACK_BUDGET, *jobs, config={"max_usd": 1, "exempt": ["big"]}) == [
        (
            "small",
            f"the estimated cost of 1.50 USD for all jobs of the stack exceeds the limit of 1 USD: {REMEDY}",
        )
    ]


def test_a_stack_without_jobs_costs_nothing() -> None:
    assert (
        stack_violations(STACK_BUDGET, resource(FILE_TYPE, VALID[FILE_TYPE], "data"), config={"max_usd": 1})
        == []
    )
