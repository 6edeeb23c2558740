"""Rules for the settings of jobs: epochs, suffix, metadata and integrations."""

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
            yield f"{path}: {job.redacted_repr('method', epochs)} exceeds {most}: set it to {most} or less"


def _suffix(job: CheckedResource, limits: Limits) -> Iterator[str]:
    suffix = job.props.get("suffix")
    if suffix is None and limits["required"]:
        yield f"suffix: is missing: set a suffix that matches {limits['pattern']}"
    if isinstance(suffix, str) and not re.search(limits["pattern"], suffix):
        yield f"suffix: {job.redacted_repr('suffix', suffix)} is invalid: must match {limits['pattern']}"


def _metadata(job: CheckedResource, limits: Limits) -> Iterator[str]:
    for key in _missing(job, limits):
        yield f"metadata.{key}: is missing: add it, such as metadata={{{key!r}: …}}"


def _missing(job: CheckedResource, limits: Limits) -> list[str]:
    metadata = job.props.get("metadata")
    if not isinstance(metadata, dict | None):
        return []
    return [key for key in limits["required"] if (metadata or {}).get(key) in (None, "")]


def _filled_in(job: CheckedResource, limits: Limits) -> Mapping[str, Any] | None:
    """Return the metadata with the configured values, or None if they do not cover all missing keys."""
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
                else f"{job.redacted_repr(path, entity)} is not in `allowed` of this rule"
            )
            yield f"{path}: {shown}: must be one of {', '.join(allowed)}"


EPOCHS = Rule(
    name="fine-tuning-epochs",
    description="The number of epochs, which are billed, is within your limit.",
    level=EnforcementLevel.ADVISORY,
    reason="the useful number of epochs depends on the data; values that the service chooses pass",
    kinds=(JOB_TYPE,),
    properties=("method",),
    options={"max": whole_number(10, "Maximum number of epochs of a job.")},
    judge=_epochs,
)

SUFFIX = Rule(
    name="fine-tuning-suffix",
    description="The suffixes of fine-tuned models follow your naming convention.",
    level=EnforcementLevel.ADVISORY,
    reason="a naming convention; services do not document which other characters they accept",
    kinds=(JOB_TYPE,),
    properties=("suffix",),
    options={
        "pattern": expression(r"^[a-z0-9][a-z0-9_-]*$", "Regular expression for suffixes."),
        "required": switch(default=False, description="Whether each job needs a suffix."),
    },
    judge=_suffix,
)

METADATA = Rule(
    name="fine-tuning-metadata",
    description="The metadata of jobs contains the required keys, such as the owner.",
    level=EnforcementLevel.ADVISORY,
    reason="jobs work without metadata, and adding metadata to an existing job replaces it",
    kinds=(JOB_TYPE,),
    properties=("metadata",),
    options={
        "required": texts("Required keys of the metadata.", "owner"),
        "values": pairs("Values that `remediate` sets for missing keys."),
    },
    judge=_metadata,
    remediation=_filled_in,
)

WANDB_ENTITY = Rule(
    name="wandb-entity",
    description="Weights & Biases integrations use an entity from your list.",
    level=EnforcementLevel.MANDATORY,
    reason="training metrics are sent to a third party; without a list, all entities pass",
    kinds=(JOB_TYPE,),
    properties=("integrations",),
    options={"allowed": texts("Allowed users or teams at Weights & Biases; an empty list allows all.")},
    judge=_wandb,
)
