"""Rules on what trainings may cost, by the estimates that a job's check makes of its local training file."""

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
_WAY_OUT = "train on fewer rows, for fewer epochs or on a cheaper model"


def _budget(job: CheckedResource, limits: Limits) -> Iterator[str]:
    tokens, usd = _tokens(job), _usd(job)
    if limits["max_tokens"] and tokens > limits["max_tokens"]:
        yield (
            f"training_file: about {tokens:,.0f} tokens, all epochs together, are more than "
            f"{limits['max_tokens']:,}: {_WAY_OUT}"
        )
    if limits["max_usd"] and usd > limits["max_usd"]:
        yield (
            f"training_file: about {usd:,.2f} USD of training are more than {limits['max_usd']:,}: {_WAY_OUT}"
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
            f"about {tokens:,.0f} tokens of all jobs of the stack are more than {limits['max_tokens']:,}: {_WAY_OUT}",
        )
    if limits["max_usd"] and usd > limits["max_usd"]:
        yield (
            dearest,
            f"about {usd:,.2f} USD of training of all jobs of the stack are more than {limits['max_usd']:,}: {_WAY_OUT}",
        )


def _tokens(job: CheckedResource) -> float:
    """What the job is estimated to train; 0 where nobody knows."""
    return _figure(job, TOKENS)


def _usd(job: CheckedResource) -> float:
    """What that is estimated to cost; 0 where nobody knows."""
    return _figure(job, COST)


def _figure(job: CheckedResource, name: str) -> float:
    found = job.props.get(name)
    return found if isinstance(found, int | float) else 0


BUDGET = Rule(
    name="fine-tuning-budget",
    description="Jobs cost no more than agreed, as far as that can be estimated.",
    level=EnforcementLevel.MANDATORY,
    reason="a training cannot be given back; without a limit, or of a file that is not here, nothing is judged",
    kinds=(JOB_TYPE,),
    options={
        "max_tokens": whole_number(
            0, "The most tokens of a job, all epochs together; 0 sets no limit.", least=0
        ),
        "max_usd": whole_number(0, "The most USD of a job; 0 sets no limit.", least=0),
    },
    judge=_budget,
)

STACK_BUDGET = StackRule(
    name="fine-tuning-stack-budget",
    description="All jobs of a stack together cost no more than agreed, as far as that can be estimated.",
    level=EnforcementLevel.MANDATORY,
    reason="likewise; jobs that are paid already count, by what they were estimated at",
    options={
        "max_tokens": whole_number(0, "The most tokens of all jobs; 0 sets no limit.", least=0),
        "max_usd": whole_number(0, "The most USD of all jobs; 0 sets no limit.", least=0),
    },
    judge=_stack_budget,
)
