"""All objects of the emulator, of all projects, for assertions in tests.

Inspecting a job does not count as a read by a client, so it does not advance jobs of `Clock.by_polls`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.lifecycle import LIVE
from pulumi_openai_ft.server.serializers import (
    file_body,
    job_body,
    model_body,
    permission_body,
    upload_body,
)
from pulumi_openai_ft.server.store import unexpired

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.server.backend import Backend

Objects = list[dict[str, Any]]


def files(backend: Backend) -> Objects:
    """Return all unexpired files with their project, oldest first."""
    now = backend.clock.now()
    found = backend.store.files.find({}, unexpired(now))
    return [{**file_body(file, backend.settings, now), "project": file.project} for file in found]


def uploads(backend: Backend) -> Objects:
    """Return all uploads with their project, oldest first."""
    return [{**upload_body(upload), "project": upload.project} for upload in backend.store.uploads.find({})]


def jobs(backend: Backend) -> Objects:
    """Return all jobs with their project, oldest first."""
    backend.lifecycle.advance(backend.store.jobs.find({}, LIVE), read=False)
    found = backend.store.jobs.find({})
    return [{**job_body(job, backend.settings), "project": job.project} for job in found]


def permissions(backend: Backend) -> Objects:
    """Return all permissions with their checkpoint, oldest first."""
    found = backend.store.permissions.find({})
    return [{**permission_body(permission), "checkpoint": permission.checkpoint} for permission in found]


def models(backend: Backend) -> Objects:
    """Return all fine-tuned models with their project and job, oldest first."""
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
