"""Resources in the states from which operations start."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.harness import ENDLESS
from tests.faults.stack_resource import StackResource
from tests.support import write_training_data

from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft.errors import ServiceConnectionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness import Harness

    from pulumi_openai_ft._provider.upload.resume_store import UploadRecord

MODEL = "gpt-4o-mini-2024-07-18"
PARTNERS = ("proj_b", "proj_c")


def file(harness: Harness, rows: int = 12, **inputs: Any) -> StackResource:
    path = write_training_data(harness.folder / f"{rows}.jsonl", rows=rows)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stack_inputs = {"__identity": "o::dev::shop::File::data", "file": str(path), "sha256": digest, **inputs}
    return StackResource(harness, FileProvider, stack_inputs)


def job(harness: Harness, rows: int = 12, **inputs: Any) -> StackResource:
    data = done(file(harness, rows))
    stack_inputs = {
        "__identity": "o::dev::shop::FineTuningJob::support",
        "model": MODEL,
        "training_file": data.id,
        "__training_file_sha256": data.outs["sha256"],
        **inputs,
    }
    return StackResource(harness, FineTuningJobProvider, stack_inputs)


def endless_job(harness: Harness, **inputs: Any) -> StackResource:
    """Make a job that ends only when it is cancelled."""
    harness.service.settings.job_seconds = ENDLESS
    return job(harness, **inputs)


def running(harness: Harness, **inputs: Any) -> StackResource:
    resource = done(endless_job(harness, **{"wait_for_completion": False, **inputs}))
    harness.service.advance(ENDLESS / 2)
    return resource


def share(harness: Harness, projects: tuple[str, ...] = PARTNERS, **inputs: Any) -> StackResource:
    checkpoint = done(job(harness)).outs["fine_tuned_model"]
    stack_inputs = {
        "__identity": "o::dev::shop::FineTuningCheckpointPermission::share",
        "checkpoint_id": checkpoint,
        "project_ids": list(projects),
        **inputs,
    }
    return StackResource(harness, FineTuningCheckpointPermissionProvider, stack_inputs)


def done(resource: StackResource) -> StackResource:
    resource.up()
    return resource


def lost(resource: StackResource) -> StackResource:
    resource.forget()
    return resource


def changed(resource: StackResource, **inputs: Any) -> StackResource:
    resource.inputs = {**resource.inputs, **inputs}
    return resource


def with_interrupted_upload(resource: StackResource) -> StackResource:
    """Interrupt an upload when two of its parts are missing."""
    return _interrupt_upload(
        resource, lambda record: replace(record, parts=dict(list(record.parts.items())[2:]))
    )


def with_expired_upload(resource: StackResource) -> StackResource:
    """Interrupt an upload when a single part is missing; the upload has expired at the service."""
    return _interrupt_upload(
        resource,
        lambda record: replace(
            record, upload_id="upload_expired", parts=dict(list(record.parts.items())[1:])
        ),
    )


def _interrupt_upload(
    resource: StackResource, change: Callable[[UploadRecord], UploadRecord]
) -> StackResource:
    """Interrupt an upload, and change its record."""
    resource.harness.service.fault("POST", "/v1/uploads/*/complete", "drop_before", None)
    with pytest.raises(ServiceConnectionError):
        resource.up()
    resource.harness.clear_faults()
    ledger = resource.harness.ledger
    (key,) = [file.stem for file in ledger.folder.iterdir()]
    record = ledger.find(key, resource.harness.clock.now)
    assert record
    ledger.write(key, change(record))
    return resource
