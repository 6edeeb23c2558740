"""Rules on what a team sets bounds to: epochs, names, metadata, and where the figures of a training go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._provider.input_models import is_known
from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.policies._rule import Limits, Rule
from pulumi_openai_ft.policies._schema import expression, pairs, switch, texts, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft.policies._checked_resource import CheckedResource


def _epochs(job: CheckedResource, limits: Limits) -> Iterator[str]:
    method = job.props.get("method")
    for kind, settings in method.items() if isinstance(method, dict) else ():
        given = settings.get("hyperparameters") if isinstance(settings, dict) else None
        epochs = given.get("n_epochs") if isinstance(given, dict) else None
        path, most = f"method.{kind}.hyperparameters.n_epochs", limits["max"]
        if isinstance(epochs, int | float) and epochs > most:
            yield f"{path}: {job.redacted_repr('method', epochs)} is more than {most}: write {most} or less"


def _suffix(job: CheckedResource, limits: Limits) -> Iterator[str]:
    suffix = job.props.get("suffix")
    if suffix is None and limits["required"]:
        yield f"suffix: is missing: write one of the form {limits['pattern']}"
    if isinstance(suffix, str) and not re.search(limits["pattern"], suffix):
        yield f"suffix: {job.redacted_repr('suffix', suffix)} does not fit: write one of the form {limits['pattern']}"


def _metadata(job: CheckedResource, limits: Limits) -> Iterator[str]:
    for key in _missing(job, limits):
        yield f"metadata.{key}: is missing: write who or what it is, such as metadata={{{key!r}: …}}"


def _missing(job: CheckedResource, limits: Limits) -> list[str]:
    metadata = job.props.get("metadata")
    if not isinstance(metadata, dict | None):
        return []
    return [key for key in limits["required"] if (metadata or {}).get(key) in (None, "")]


def _filled_in(job: CheckedResource, limits: Limits) -> Mapping[str, Any] | None:
    """The metadata with the configured values, where that is all that is missing."""
    missing, metadata = _missing(job, limits), job.props.get("metadata") or {}
    if not missing or not set(missing) <= limits["values"].keys() or not is_known(metadata):
        return None
    return {"metadata": {**metadata, **{key: limits["values"][key] for key in missing}}}


def _wandb(job: CheckedResource, limits: Limits) -> Iterator[str]:
    integrations = job.props.get("integrations")
    for index, integration in enumerate(integrations if isinstance(integrations, list) else []):
        settings = integration.get("wandb") if isinstance(integration, dict) else None
        if not limits["allowed"] or not isinstance(settings, dict) or not is_known(settings.get("entity")):
            continue
        path, entity, allowed = (
            f"integrations[{index}].wandb.entity",
            settings.get("entity"),
            limits["allowed"],
        )
        if entity not in allowed:
            shown = (
                "is missing"
                if entity is None
                else f"{job.redacted_repr(path, entity)} is not on this rule's list"
            )
            yield f"{path}: {shown}: write one of {', '.join(allowed)}"


EPOCHS = Rule(
    name="fine-tuning-epochs",
    description="Jobs pass through their data no more often than agreed: each epoch is billed.",
    level=EnforcementLevel.ADVISORY,
    reason="how many passes are worth their price is for the team to say; what the service chooses is not judged",
    kinds=(JOB_TYPE,),
    properties=("method",),
    options={"max": whole_number(10, "The most epochs of a job.")},
    judge=_epochs,
)

SUFFIX = Rule(
    name="fine-tuning-suffix",
    description="Fine-tuned models are named as agreed.",
    level=EnforcementLevel.ADVISORY,
    reason="a matter of taste; which characters services take beyond these is not documented",
    kinds=(JOB_TYPE,),
    properties=("suffix",),
    options={
        "pattern": expression(r"^[a-z0-9][a-z0-9_-]*$", "What a suffix looks like."),
        "required": switch(default=False, description="Whether each job needs one."),
    },
    judge=_suffix,
)

METADATA = Rule(
    name="fine-tuning-metadata",
    description="Jobs tell in their metadata who owns them.",
    level=EnforcementLevel.ADVISORY,
    reason="the job works without it; and to add it to a job that exists trains it again",
    kinds=(JOB_TYPE,),
    properties=("metadata",),
    options={
        "required": texts("Keys that the metadata must have.", "owner"),
        "values": pairs("What `remediate` writes for keys that are missing."),
    },
    judge=_metadata,
    remediation=_filled_in,
)

WANDB_ENTITY = Rule(
    name="wandb-entity",
    description="Weights & Biases records trainings under accounts that the team knows.",
    level=EnforcementLevel.MANDATORY,
    reason="the figures leave the house; without a list nothing is judged",
    kinds=(JOB_TYPE,),
    properties=("integrations",),
    options={"allowed": texts("Users or teams at Weights & Biases; none allows all.")},
    judge=_wandb,
)
