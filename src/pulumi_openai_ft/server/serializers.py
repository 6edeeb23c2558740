"""Conversion of records to the API's objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.lifecycle import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft.server.catalog import BaseModel, Catalog
    from pulumi_openai_ft.server.event_log import Event
    from pulumi_openai_ft.server.records import Checkpoint, File, Job, Model, Part, Permission, Upload
    from pulumi_openai_ft.server.rules import Rules
    from pulumi_openai_ft.server.settings import ServiceSettings

_NULL_UNFINISHED = ("integrations", "method", "organization_id", "result_files")
_OMITTED_UNFINISHED = ("estimated_finish", "eval_id", "shared_with_openai", "trained_tokens", "usage_metrics")
_COMMON_HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")


def seconds(time: float | None) -> int | None:
    """Return a time in whole seconds."""
    return None if time is None else int(time)


def file_body(file: File, settings: ServiceSettings, now: float) -> dict[str, Any]:
    """Return a file object. Until it is processed, its status depends on the mode."""
    processed = settings.is_processed(file.created_at, now)
    return {
        "object": "file",
        "id": file.id,
        "purpose": file.purpose,
        "filename": file.filename,
        "bytes": file.bytes,
        "created_at": seconds(file.created_at),
        "expires_at": seconds(file.expires_at),
        "status": "processed" if processed else settings.rules.unprocessed,
        "status_details": None,
    }


def upload_body(upload: Upload, file: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an upload object, with the resulting file if it is completed."""
    return {
        "object": "upload",
        "id": upload.id,
        "bytes": upload.bytes,
        "created_at": seconds(upload.created_at),
        "expires_at": seconds(upload.expires_at),
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": upload.status,
        "file": file,
    }


def part_body(part: Part) -> dict[str, Any]:
    """Return an upload part object."""
    return {
        "object": "upload.part",
        "id": part.id,
        "created_at": seconds(part.created_at),
        "upload_id": part.upload,
    }


def job_body(job: Job, settings: ServiceSettings) -> dict[str, Any]:
    """Return a job object. The deprecated `hyperparameters` contain the three that all methods have, or all."""
    hyperparameters = job.method[job.method["type"]]["hyperparameters"]
    rules = settings.rules
    shown = hyperparameters if rules.shows_all_hyperparameters else _COMMON_HYPERPARAMETERS
    top_level = {name: hyperparameters[name] for name in shown}
    has_end = job.status == "succeeded" or rules.dates_every_end
    body = {
        "object": "fine_tuning.job",
        "id": job.id,
        "model": job.model,
        "created_at": seconds(job.created_at),
        "finished_at": seconds(job.finished_at) if has_end else None,
        "fine_tuned_model": job.fine_tuned_model,
        "organization_id": settings.organization_id,
        "result_files": job.result_files or [],
        "status": rules.statuses.get(job.status, job.status),
        "validation_file": job.validation_file,
        "training_file": job.training_file,
        "hyperparameters": {
            name: rules.undecided if value == "auto" else value for name, value in top_level.items()
        },
        "trained_tokens": job.trained_tokens,
        "error": job.error,
        "user_provided_suffix": job.suffix,
        "seed": job.seed,
        "estimated_finish": seconds(job.estimated_finish),
        "integrations": job.integrations or [],
        **({"metadata": job.metadata} if rules.keeps_metadata else {}),
        "usage_metrics": None,
        "shared_with_openai": False,
        "eval_id": None,
        "method": job.method,
        **rules.answer_fields,
    }
    return _renamed(_sparse(body, job) if rules.omits_unfinished else body, rules)


def _renamed(body: dict[str, Any], rules: Rules) -> dict[str, Any]:
    """Return a job object without the fields that the service lacks, with the names that it uses."""
    return {
        rules.renamed_fields.get(name, name): value
        for name, value in body.items()
        if name not in rules.hidden_fields
    }


def _sparse(body: dict[str, Any], job: Job) -> dict[str, Any]:
    """Return a job object as Azure does: without values that are only known later, and without a supervised method."""
    if job.method["type"] == "supervised":
        body = {**body, "method": None}
    if job.status in TERMINAL:
        return body
    shown = {name: value for name, value in body.items() if name not in _OMITTED_UNFINISHED}
    return {**shown, **dict.fromkeys(_NULL_UNFINISHED)}


def event_body(event: Event) -> dict[str, Any]:
    """Return a job event object."""
    return {
        "object": "fine_tuning.job.event",
        "id": event.id,
        "created_at": seconds(event.created_at),
        "level": event.level,
        "message": event.message,
        "type": event.kind,
        "data": event.data,
    }


def checkpoint_body(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a job checkpoint object."""
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": checkpoint.id,
        "created_at": seconds(checkpoint.created_at),
        "fine_tuned_model_checkpoint": checkpoint.name,
        "fine_tuning_job_id": checkpoint.job,
        "metrics": checkpoint.metrics,
        "step_number": checkpoint.step,
    }


def permission_body(permission: Permission) -> dict[str, Any]:
    """Return a checkpoint permission object."""
    return {
        "object": "checkpoint.permission",
        "id": permission.id,
        "created_at": seconds(permission.created_at),
        "project_id": permission.project,
    }


def model_body(model: Model, catalog: Catalog, settings: ServiceSettings) -> dict[str, Any]:
    """Return a model object for a fine-tuned model. Its shutdown date is that of its base model."""
    base = catalog.find(model.base)
    return {
        "id": model.id,
        "object": "model",
        settings.rules.model_time: seconds(model.created_at),
        "owned_by": settings.organization_id,
        "shutdown_date": _date(base),
        **({} if base is None else base.more_of_tuned),
    }


def base_model_body(name: str, model: BaseModel, settings: ServiceSettings) -> dict[str, Any]:
    """Return a model object for a base model, by its id or an alias."""
    return {
        "id": name,
        "object": "model",
        settings.rules.model_time: model.created(),
        "owned_by": "system",
        "shutdown_date": _date(model),
        **model.more,
    }


def list_body(data: Sequence[dict[str, Any]], *, has_more: bool, ends: bool = False) -> dict[str, Any]:
    """Return a page of a list. `ends` adds the ids of its first and last object, which only some lists have."""
    body = {"object": "list", "data": list(data), "has_more": has_more}
    if ends:
        body |= {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return body


def deleted_body(kind: str, object_id: str) -> dict[str, Any]:
    """Return the response to a DELETE request."""
    return {"object": kind, "id": object_id, "deleted": True}


def _date(model: BaseModel | None) -> str | None:
    if model is None or model.shutdown_date is None:
        return None
    return model.shutdown_date.isoformat()
