"""The rule that requires a deadline for jobs."""

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
                "wait_for_completion: is False, so the job would never be cancelled: remove it, and set "
                f"cancel_after_timeout to {most} or less"
            )
    elif timeout is None:
        yield f"cancel_after_timeout: is missing: set it to {most} seconds or less"
    elif _is_number(timeout) and timeout > most:
        shown = job.redacted_repr("cancel_after_timeout", timeout)
        yield f"cancel_after_timeout: {shown} exceeds {most} seconds: set it to {most} or less"


def _with_deadline(job: CheckedResource, limits: Limits) -> Mapping[str, Any] | None:
    """Return the maximum deadline, or None if the update does not wait for the job.

    The provider rejects a deadline for a job that the update does not wait for.
    """
    timeout, waits = job.props.get("cancel_after_timeout"), job.props.get("wait_for_completion")
    too_long = timeout is None or (_is_number(timeout) and timeout > limits["max_seconds"])
    return {"cancel_after_timeout": limits["max_seconds"]} if too_long and waits in (None, True) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


DEADLINE = Rule(
    name="fine-tuning-deadline",
    description="Jobs have a deadline, after which they are cancelled.",
    level=EnforcementLevel.ADVISORY,
    reason="the duration of training depends on the data; a deadline that is too short wastes billed training",
    kinds=(JOB_TYPE,),
    properties=("cancel_after_timeout", "wait_for_completion"),
    options={
        "max_seconds": whole_number(86400, "Maximum deadline in seconds; `remediate` sets this value."),
        "without_waiting": choice(
            "report",
            "allow",
            description="Whether to report or allow jobs that `pulumi up` does not wait for.",
        ),
    },
    judge=_deadline,
    remediation=_with_deadline,
)
