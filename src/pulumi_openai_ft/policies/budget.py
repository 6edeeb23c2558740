"""Rules for the cost of training, based on the estimates for a job's local training file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._shared.state_names import ESTIMATED, JOB_TYPE
from pulumi_openai_ft.policies._rule import Limits, Rule, StackRule
from pulumi_openai_ft.policies._schema import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft.policies._checked_resource import CheckedResource

TOKENS, COST = ESTIMATED
_REMEDY = "use fewer examples, fewer epochs or a cheaper model"


def _budget(job: CheckedResource, limits: Limits) -> Iterator[str]:
    tokens, usd = _tokens(job), _usd(job)
    if limits["max_tokens"] and tokens > limits["max_tokens"]:
        yield (
            f"training_file: the estimate of {tokens:,.0f} tokens for all epochs exceeds the limit of "
            f"{limits['max_tokens']:,}: {_REMEDY}"
        )
    if limits["max_usd"] and usd > limits["max_usd"]:
        yield (
            f"training_file: the estimated cost of {usd:,.2f} USD exceeds the limit of "
            f"{limits['max_usd']:,} USD: {_REMEDY}"
        )


def _stack_budget(
    resources: Sequence[CheckedResource], limits: Limits
) -> Iterator[tuple[CheckedResource, str]]:
    jobs = [job for job in resources if job.kind == JOB_TYPE and job.name not in limits["exempt"]]
    if not jobs:
        return
    dearest = max(jobs, key=lambda job: (_usd(job), _tokens(job)))
    tokens, usd = sum(map(_tokens, jobs)), sum(map(_usd, jobs))
    if limits["max_tokens"] and tokens > limits["max_tokens"]:
        yield (
            dearest,
            (
                f"the estimate of {tokens:,.0f} tokens for all jobs of the stack exceeds the limit of "
                f"{limits['max_tokens']:,}: {_REMEDY}"
            ),
        )
    if limits["max_usd"] and usd > limits["max_usd"]:
        yield (
            dearest,
            (
                f"the estimated cost of {usd:,.2f} USD for all jobs of the stack exceeds the limit of "
                f"{limits['max_usd']:,} USD: {_REMEDY}"
            ),
        )


def _tokens(job: CheckedResource) -> float:
    """Return the estimated number of tokens of a job, or 0 if unknown."""
    return _figure(job, TOKENS)


def _usd(job: CheckedResource) -> float:
    """Return the estimated cost of a job in USD, or 0 if unknown."""
    return _figure(job, COST)


def _figure(job: CheckedResource, name: str) -> float:
    found = job.props.get(name)
    return found if isinstance(found, int | float) else 0


BUDGET = Rule(
    name="fine-tuning-budget",
    description="The estimated cost of each job is within your limits.",
    level=EnforcementLevel.MANDATORY,
    reason="training is not refundable; jobs without a limit or without a local training file pass",
    kinds=(JOB_TYPE,),
    options={
        "max_tokens": whole_number(
            0, "Maximum number of tokens of a job, over all epochs; 0 means unlimited.", least=0
        ),
        "max_usd": whole_number(0, "Maximum cost of a job in USD; 0 means unlimited.", least=0),
    },
    judge=_budget,
)

STACK_BUDGET = StackRule(
    name="fine-tuning-stack-budget",
    description="The estimated total cost of all jobs of a stack is within your limits.",
    level=EnforcementLevel.MANDATORY,
    reason="training is not refundable; the total includes the estimates of existing jobs",
    options={
        "max_tokens": whole_number(0, "Maximum number of tokens of all jobs; 0 means unlimited.", least=0),
        "max_usd": whole_number(0, "Maximum cost of all jobs in USD; 0 means unlimited.", least=0),
    },
    judge=_stack_budget,
)
