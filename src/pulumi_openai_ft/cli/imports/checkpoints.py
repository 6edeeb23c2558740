"""The checkpoints of jobs, including their models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft._shared.suggestions import did_you_mean
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

_SHARED_PARTS = 4
"""Number of parts of a name that a model shares with the job's other checkpoints: ft, base, organization and suffix."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, which can be shared with projects.

    Attributes:
        name: Its name, `ft:…`.
        job_id: Id of the job that created it.
        step: Its training step, or None for the model of the job.
    """

    name: str
    job_id: str
    step: int | None = None


def checkpoints_of(api: Client, job: Job) -> Iterator[Checkpoint]:
    """Yield the model of a job, and then its other checkpoints, for which a page is requested."""
    if not job.fine_tuned_model:
        return
    yield Checkpoint(job.fine_tuned_model, job.id)
    if api.settings.profile.supports("checkpoints"):
        for found in api.checkpoints(job.id, unreadable=[]):
            if found.fine_tuned_model_checkpoint != job.fine_tuned_model:
                yield Checkpoint(found.fine_tuned_model_checkpoint, job.id, found.step_number)


def named_checkpoint(api: Client, jobs: Sequence[Job], name: str) -> Checkpoint:
    """Return the checkpoint with a name.

    The names of models are in the list of jobs. For other checkpoints, those of similarly named models are requested.

    Raises:
        InputError: No job created it.
    """
    for job in jobs:
        if job.fine_tuned_model == name:
            return Checkpoint(name, job.id)
    similar = [job for job in jobs if job.fine_tuned_model and _shared(job.fine_tuned_model) == _shared(name)]
    known = [checkpoint for job in similar for checkpoint in checkpoints_of(api, job)]
    found = next((checkpoint for checkpoint in known if checkpoint.name == name), None)
    if found is None:
        names = [*(job.fine_tuned_model or "" for job in jobs), *(checkpoint.name for checkpoint in known)]
        raise InputError(f"no job of this project trained {name!r}{did_you_mean(name, names)}")
    return found


def _shared(name: str) -> list[str]:
    return name.split(":")[:_SHARED_PARTS]
