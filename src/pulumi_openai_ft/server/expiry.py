"""Removes contents that nobody can read any more: expired files, and parts of uploads that were not completed in time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_openai_ft.server.store import expired

if TYPE_CHECKING:
    from pulumi_openai_ft.server.backend import Backend
    from pulumi_openai_ft.server.records import Upload


def remove_expired(backend: Backend) -> None:
    """Remove the contents of files and uploads that have expired."""
    now = backend.clock.now()
    for file in backend.store.files.find({}, expired(now)):
        backend.store.files.delete(file, now)
        backend.blobs.delete(file.id)
    for upload in backend.store.uploads.find({"status": "pending"}, expired(now)):
        _expire(backend, upload)


def _expire(backend: Backend, upload: Upload) -> None:
    with backend.store.transaction():
        current = backend.store.uploads.get(upload.id)
        if current is None or current.status != "pending":  # a request completed or cancelled it
            return
        backend.store.uploads.put(replace(current, status="expired"))
    remove_parts(backend, upload)


def remove_parts(backend: Backend, upload: Upload) -> None:
    """Remove the contents of an upload's parts."""
    for part in backend.store.parts.find({"upload": upload.id}):
        backend.blobs.delete(part.id)
