"""The rule that a job has a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.policies._rule import Limits, Rule
from pulumi_openai_ft.policies._schema import choice, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft.policies._checked_resource import CheckedResource


def _deadline(job: CheckedResource, limits: Limits) -> Iterator[str]:
    timeout, most = job.props.get("cancel_after_timeout"), limits["max_seconds"]
    if job.props.get("wait_for_completion") is False:
        if limits["without_waiting"] == "report":
            yield (
                "wait_for_completion: is False, so nothing would cancel the job: let `pulumi up` wait and set "
                f"cancel_after_timeout to {most} or less"
            )
    elif timeout is None:
        yield f"cancel_after_timeout: is missing: write {most} seconds or less"
    elif _is_number(timeout) and timeout > most:
        shown = job.redacted_repr("cancel_after_timeout", timeout)
        yield f"cancel_after_timeout: {shown} is more than {most} seconds: write {most} or less"


def _with_deadline(job: CheckedResource, limits: Limits) -> Mapping[str, Any] | None:
    """The longest deadline. A job that nobody waits for gets none: the resource refuses the two together."""
    timeout, waits = job.props.get("cancel_after_timeout"), job.props.get("wait_for_completion")
    too_long = timeout is None or (_is_number(timeout) and timeout > limits["max_seconds"])
    return {"cancel_after_timeout": limits["max_seconds"]} if too_long and waits in (None, True) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


DEADLINE = Rule(
    name="fine-tuning-deadline",
    description="Jobs are cancelled when they take too long.",
    level=EnforcementLevel.ADVISORY,
    reason="how long a training may take depends on its data; a wrong deadline throws a paid training away",
    kinds=(JOB_TYPE,),
    properties=("cancel_after_timeout", "wait_for_completion"),
    options={
        "max_seconds": whole_number(86400, "The longest deadline; what `remediate` sets."),
        "without_waiting": choice(
            "report", "allow", description="What to do with jobs that `pulumi up` does not wait for."
        ),
    },
    judge=_deadline,
    remediation=_with_deadline,
)
