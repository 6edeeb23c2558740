"""Comparison of a job with a create request, for a service that does not store the metadata that would identify it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.job.diff import differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.objects import Job

_OWN_VALUES = (None, "auto", -1)
"""Values with which services show that they choose a value."""


def is_result_of(job: Job, body: Mapping[str, Any], *, ignores_missing: bool = False) -> bool:
    """Return whether a job has the values of a create request.

    A value that the service may rewrite (the model's alias, the seed, the method with `auto`) is compared only if the
    response contains it.

    Args:
        job: The job.
        body: Body of the create request.
        ignores_missing: Whether to compare the validation file and the suffix only if the response contains them, too.
    """
    if job.training_file != body.get("training_file"):
        return False
    suffix = job.requested_suffix
    kept = {"validation_file": job.validation_file, "suffix": suffix}
    kept = {name: value for name, value in kept.items() if value is not None or not ignores_missing}
    shown = {"model": job.model, "seed": job.seed, "integrations": job.integrations}
    rewritten = {name: value for name, value in shown.items() if value not in (None, [])}
    desired = body.get("method")
    method = _method(job, str(desired.get("type")) if isinstance(desired, dict) else "supervised")
    return (
        not any(differences(name, body, kept) for name in kept)
        and all(body.get(name) is not None or value is None for name, value in kept.items())
        and not any(differences(name, body, rewritten) for name in rewritten)
        and not differences("method", {"method": _shown_part(desired, method)}, {"method": method})
    )


def _method(job: Job, expected: str) -> dict[str, Any]:
    """Return the job's method, with the hyperparameters that the job shows at top level.

    Args:
        job: The job.
        expected: Type of the method if the job does not show it.
    """
    method: dict[str, Any] = {**(job.method or {"type": expected})}
    kind = str(method.get("type"))
    block = method[kind] if isinstance(method.get(kind), dict) else {}
    nested = block.get("hyperparameters")
    both = {**(job.hyperparameters or {}), **(nested if isinstance(nested, dict) else {})}
    return {**method, kind: {**block, "hyperparameters": both}} if both else method


def _shown_part(desired: Any, actual: Any) -> Any:
    """Return the part of a desired value that the actual value contains, without values that the service chooses."""
    if not isinstance(desired, dict) or not isinstance(actual, dict):
        return desired
    return {
        name: _shown_part(value, actual[name])
        for name, value in desired.items()
        if actual.get(name) not in _OWN_VALUES and value not in _OWN_VALUES
    }
