"""A rule for the quality of trained models, based on the validation losses in the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._shared.state_names import COMPONENT_TYPE, JOB_TYPE, VALIDATION_LOSSES
from pulumi_openai_ft.policies._rule import Limits, StackRule
from pulumi_openai_ft.policies._schema import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft.policies._checked_resource import CheckedResource

_NOISE = 0.01
"""Increase from the first epoch that is not reported, as a share: equally good epochs differ by about as much."""
_REMEDY = (
    "train fewer epochs, add examples, or publish the best checkpoint (use_checkpoint of FineTunedModel)"
)


def _quality(resources: Sequence[CheckedResource], limits: Limits) -> Iterator[tuple[CheckedResource, str]]:
    for job in resources:
        if job.kind != JOB_TYPE or _publishes_another_checkpoint(job, resources):
            continue
        if sentence := _overfitting(job, limits["max_increase_percent"] / 100):
            yield job, sentence


def _overfitting(job: CheckedResource, most: float) -> str | None:
    """Return why a job's model is not as good as it could be, or None."""
    losses = [job.props.get(name) for name in VALIDATION_LOSSES]
    first, best, final = (loss if isinstance(loss, int | float) else None for loss in losses)
    if first is None or best is None or final is None or best <= 0:
        return None
    increase = final / best - 1
    if first == best and increase > _NOISE:
        return (
            f"final_valid_loss: the validation loss rose from {first:.3g} after the first epoch to {final:.3g}: the job "
            f"overfitted from the start: {_REMEDY}"
        )
    if increase > most:
        return (
            f"final_valid_loss: the validation loss ended at {final:.3g}, {increase:.0%} above its best of {best:.3g}: "
            f"the job overfitted: {_REMEDY}"
        )
    return None


def _publishes_another_checkpoint(job: CheckedResource, resources: Sequence[CheckedResource]) -> bool:
    """Return whether the job is part of a `FineTunedModel` that uses an earlier checkpoint."""
    if f"{COMPONENT_TYPE}$" not in job.urn:
        return False
    models = [
        resource.props.get("fine_tuned_model")
        for resource in resources
        if resource.kind == COMPONENT_TYPE and job.urn == _job_urn(resource)
    ]
    return any(isinstance(model, str) and model != job.props.get("fine_tuned_model") for model in models)


def _job_urn(component: CheckedResource) -> str:
    """Return the URN of a component's job, which has the component's name."""
    path, _, name = component.urn.rpartition("::")
    return f"{path}${JOB_TYPE}::{name}"


QUALITY = StackRule(
    name="fine-tuning-quality",
    description="The validation loss of trained models does not rise, which means that they learned examples by heart.",
    level=EnforcementLevel.ADVISORY,
    reason="the model is already trained, and a higher validation loss can be acceptable; jobs without a validation file pass",
    options={
        "max_increase_percent": whole_number(
            10,
            "Maximum increase of the validation loss from its lowest value to its last, in percent.",
            least=0,
        ),
    },
    judge=_quality,
)
