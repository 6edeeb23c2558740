"""Removes the values that a stack marks as secret from the objects that the service returns about a job."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.objects import Job
from pulumi_openai_ft._provider.job.state import outputs
from pulumi_openai_ft._provider.redaction import SECRET, hiding, redacted
from pulumi_openai_ft._shared.state_names import VALUES_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from pulumi_openai_ft._client.objects import Checkpoint, Event

_FIELDS = {"suffix": "user_provided_suffix"}
_METADATA_VALUES = f"metadata{VALUES_ONLY}"


def public_job(job: Job, secrets: AbstractSet[str]) -> Job:
    """Return a job without the values of secret properties."""
    return job.model_copy(update=dict(_hidden(job, secrets)))


@contextmanager
def hiding_texts_of(job: Job, secrets: AbstractSet[str]) -> Iterator[None]:
    """Let the functions below remove the values of a job's secret properties from other texts."""
    with hiding([outputs(job, {})], secrets):
        yield


def public_end(job: Job) -> Job:
    """Return a job whose error and model name contain no secret values."""
    error = job.error and job.error.model_copy(update={"message": _public(job.error.message)})
    return job.model_copy(update={"error": error, "fine_tuned_model": _public(job.fine_tuned_model)})


def public_event(event: Event) -> Event:
    """Return an event whose message contains no secret values."""
    return event.model_copy(update={"message": redacted(event.message)})


def public_checkpoint(checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint whose name contains no secret values."""
    name = redacted(checkpoint.fine_tuned_model_checkpoint)
    return checkpoint.model_copy(update={"fine_tuned_model_checkpoint": name})


def _public(text: str | None) -> str | None:
    return text and redacted(text)


def _hidden(job: Job, secrets: AbstractSet[str]) -> Iterator[tuple[str, Any]]:
    """Yield the fields to replace, of the fields that a service may omit."""
    for name in secrets:
        field = _FIELDS.get(name, name)
        if field in Job.model_fields and Job.model_fields[field].default is None:
            yield field, None
    if "method" in secrets:
        yield "hyperparameters", None
    if "suffix" in (job.model_extra or {}) and "suffix" in secrets:  # Nebius
        yield "suffix", None
    if _METADATA_VALUES in secrets and "metadata" not in secrets:
        yield "metadata", dict.fromkeys(job.metadata or {}, SECRET)
