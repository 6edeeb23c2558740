"""Conversion of a job to the outputs that the state stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.objects import TERMINAL_STATUSES
from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.job.diff import not_comparable
from pulumi_openai_ft._provider.job.estimate import estimated
from pulumi_openai_ft._provider.job.inputs import (
    API_INPUTS,
    PROVIDER_INPUTS,
    UPDATE_IN_PLACE,
    FineTuningJobInputs,
)
from pulumi_openai_ft._provider.job.manager import FAILED
from pulumi_openai_ft._shared.state_names import (
    CUSTOM_TIMEOUTS,
    ESTIMATED,
    FILE_HASHES,
    OWN_METADATA,
    REQUESTED_INPUTS,
    VALIDATION_LOSSES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_openai_ft._client.objects import Job


MODEL_DELETED = "__model_is_gone"
"""Output that is True if the job's model was deleted outside of the stack."""
RESOLVED = ("model", "seed", "method")
"""Inputs that the service replaces or completes, for example an alias with the dated model."""
UNDECIDED = -1
"""A hyperparameter's value at Azure while the service has not chosen it."""
OUTCOME = (
    "status",
    "fine_tuned_model",
    "finished_at",
    "trained_tokens",
    "result_files",
    "error",
    *VALIDATION_LOSSES,
)
"""Outputs whose final values are known only after the job has ended."""


def outputs(job: Job, props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of a job.

    Args:
        job: The job as returned by the API.
        props: The inputs or the previous outputs, for values that the API does not return.
    """
    resolved = {
        **{name: getattr(job, name, None) for name in API_INPUTS},
        "suffix": job.requested_suffix,
        "metadata": {key: value for key, value in (job.metadata or {}).items() if key not in OWN_METADATA},
    }
    return {
        **{
            name: props[name]
            for name in (
                *PROVIDER_INPUTS,
                *FILE_HASHES.values(),
                CUSTOM_TIMEOUTS,
                REQUESTED_INPUTS,
                *ESTIMATED,
                *VALIDATION_LOSSES,
            )
            if props.get(name) is not None
        },
        **{name: _first_given(value, props.get(name)) for name, value in resolved.items()},
        "method": _method(job, props.get("method")),
        "status": job.status,
        "fine_tuned_model": job.fine_tuned_model,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "trained_tokens": job.trained_tokens,
        "result_files": job.result_files,
        "error": job.error.model_dump() if job.error and job.status in FAILED else None,
        "organization_id": job.organization_id,
    }


def preview_outputs(olds: Mapping[str, Any] | None, news: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs after a create, or after an update of `olds`, as far as a preview can know them."""
    if olds is None:
        given = {name: news.get(name) for name in FineTuningJobInputs.model_fields}
        resolved = [name for name in RESOLVED if name != "seed" or given["seed"] is None]
        return {
            **given,
            **estimated(news),
            **_unknown((*resolved, *OUTCOME, "created_at", "organization_id")),
        }
    provider_inputs = {name: news.get(name) for name in PROVIDER_INPUTS}
    return {**olds, **provider_inputs, **_unknown(() if olds.get("status") in TERMINAL_STATUSES else OUTCOME)}


def _unknown(names: Iterable[str]) -> dict[str, Any]:
    return {name: input_models.unknown() for name in names}


def updated(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """Return the names of the changed inputs that are updated in place."""
    fields = FineTuningJobInputs.model_fields
    changed = (
        name
        for name in UPDATE_IN_PLACE
        if news.get(name, fields[name].default) != olds.get(name, fields[name].default)
    )
    return [*changed, *not_comparable(news, olds)]


def needs_update(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Return whether `up` must wait for the job, or report its failure or the deletion of its model."""
    status = olds.get("status")
    has_problem = status in FAILED or bool(olds.get(MODEL_DELETED))
    is_settled = status == "succeeded" or (status == "paused" and bool(news.get("paused")))
    return has_problem or (news.get("wait_for_completion", True) is not False and not is_settled)


def _first_given(*values: Any) -> Any:
    """Return the first value that is not None or empty. 0 and False are values."""
    return next((value for value in values if value not in (None, "", {}, [])), None)


def _method(job: Job, known: Any) -> dict[str, Any] | None:
    """Return the method of a job, with the values that the service returned.

    Some services return the values only in the top-level `hyperparameters`. A job that has no method at all is
    supervised: the API had no `method` when such jobs were created.

    Args:
        job: The job as returned by the API.
        known: The method in the inputs or in the previous outputs, for what the service does not return.
    """
    requested, top_level = _mapping(input_models.integers_from_floats(known)), _mapping(job.hyperparameters)
    method = _mapping(job.method) or requested or ({"type": "supervised"} if _decided(top_level) else {})
    kind = method.get("type")
    if not isinstance(kind, str):
        return method or None
    known_values = _hyperparameters(requested, kind)
    values = _merged(_hyperparameters(_mapping(job.method), kind), _decided(top_level), known_values)
    return {**method, kind: {**_mapping(method.get(kind)), "hyperparameters": values}} if values else method


def _merged(
    returned: Mapping[str, Any], top_level: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the hyperparameters of a method: its own values, or else those at the top level, or else the known ones."""
    if not returned:
        return {**known, **top_level}
    undecided = returned.keys() - _decided(returned).keys()
    kept = {name: value for name, value in returned.items() if value not in (None, UNDECIDED)}
    others = {**known, **top_level}
    return {**kept, **{name: others[name] for name in undecided if name in others}}


def _hyperparameters(method: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return _mapping(_mapping(method.get(kind)).get("hyperparameters"))


def _decided(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters whose values are known. Azure returns -1 until it has chosen a value."""
    return {name: value for name, value in hyperparameters.items() if value not in (None, "auto", UNDECIDED)}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
