"""What the emulator holds, for those who check it: the API's objects, seen from outside any project.

Looking does not count as reading a job, so it moves none that moves by being read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.emulator.lifecycle import LIVE
from pulumi_openai_ft.emulator.serializers import (
    file_body,
    job_body,
    model_body,
    permission_body,
    upload_body,
)
from pulumi_openai_ft.emulator.store import unexpired

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.emulator.backend import Backend

Objects = list[dict[str, Any]]


def files(backend: Backend) -> Objects:
    """All files that can be had, oldest first, each with its project."""
    now = backend.clock.now()
    found = backend.store.files.find({}, unexpired(now))
    return [{**file_body(file, backend.settings, now), "project": file.project} for file in found]


def uploads(backend: Backend) -> Objects:
    """All uploads, oldest first, each with its project."""
    return [{**upload_body(upload), "project": upload.project} for upload in backend.store.uploads.find({})]


def jobs(backend: Backend) -> Objects:
    """All jobs, oldest first, each with its project."""
    backend.lifecycle.advance(backend.store.jobs.find({}, LIVE), read=False)
    found = backend.store.jobs.find({})
    return [{**job_body(job, backend.settings), "project": job.project} for job in found]


def permissions(backend: Backend) -> Objects:
    """All grants, oldest first, each with its checkpoint."""
    found = backend.store.permissions.find({})
    return [{**permission_body(permission), "checkpoint": permission.checkpoint} for permission in found]


def models(backend: Backend) -> Objects:
    """All fine-tuned models, oldest first, each with its project and job."""
    backend.lifecycle.advance(backend.store.jobs.find({}, LIVE), read=False)
    found = backend.store.models.find({})
    return [
        {**model_body(model, backend.catalog, backend.settings), "project": model.project, "job": model.job}
        for model in found
    ]


OBJECTS: dict[str, Callable[[Backend], Objects]] = {
    "files": files,
    "uploads": uploads,
    "jobs": jobs,
    "permissions": permissions,
    "models": models,
}
