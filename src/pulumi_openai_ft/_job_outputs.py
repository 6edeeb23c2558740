"""What the state keeps of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._job_diff import ASKED, FILE_HASHES
from pulumi_openai_ft._job_inputs import OWN_INPUTS, UPDATING, FineTuningJobInputs
from pulumi_openai_ft._jobs import FAILED, TOKEN_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._objects import Job


MODEL_IS_GONE = "__model_is_gone"
"""Output that is True where the job's model was deleted outside of the stack."""


def outputs(job: Job, props: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a job.

    Args:
        job: What the service says of it.
        props: What only we know: the inputs, or the state as it was.
    """
    metadata = {key: value for key, value in (job.metadata or {}).items() if key != TOKEN_KEY}
    return {
        **{
            name: props[name]
            for name in (*OWN_INPUTS, *FILE_HASHES.values(), ASKED)
            if props.get(name) is not None
        },
        "model": job.model,
        "training_file": job.training_file or props.get("training_file"),
        "validation_file": job.validation_file or props.get("validation_file"),
        "suffix": job.user_provided_suffix or props.get("suffix"),
        "seed": props.get("seed") if job.seed is None else job.seed,
        "method": job.method or props.get("method") or _method(job),
        "integrations": job.integrations or props.get("integrations") or None,
        "metadata": metadata or props.get("metadata") or None,
        "status": job.status,
        "fine_tuned_model": job.fine_tuned_model,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "trained_tokens": job.trained_tokens,
        "result_files": job.result_files,
        "error": job.error.model_dump() if job.error and job.status in FAILED else None,
        "organization_id": job.organization_id,
    }


def needs_update(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether something changes in place, or a job that is waited for is not known to have succeeded."""
    fields = FineTuningJobInputs.model_fields
    changed = any(
        news.get(name, fields[name].default) != olds.get(name, fields[name].default) for name in UPDATING
    )
    status = olds.get("status")
    to_be_told = status in FAILED or bool(olds.get(MODEL_IS_GONE))
    settled = status == "succeeded" or (status == "paused" and bool(news.get("paused")))
    return changed or to_be_told or (news.get("wait_for_completion", True) is not False and not settled)


def _method(job: Job) -> dict[str, Any] | None:
    """The job's method. Old jobs only have hyperparameters, and were supervised."""
    if job.method:
        return job.method
    return (
        {"type": "supervised", "supervised": {"hyperparameters": job.hyperparameters}}
        if job.hyperparameters
        else None
    )
