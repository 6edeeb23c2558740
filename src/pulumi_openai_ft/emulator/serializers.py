"""The API's objects on the wire, made from records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft.emulator.catalog import BaseModel, Catalog
    from pulumi_openai_ft.emulator.event_log import Event
    from pulumi_openai_ft.emulator.records import Checkpoint, File, Job, Model, Part, Permission, Upload
    from pulumi_openai_ft.emulator.settings import Settings

_COMMON_HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")


def seconds(time: float | None) -> int | None:
    """A time as the wire shows it."""
    return None if time is None else int(time)


def file_body(file: File, settings: Settings, now: float) -> dict[str, Any]:
    """A File. It is `uploaded` at first where the settings let processing take time."""
    processed = now >= file.created_at + settings.file_processing_seconds
    return {
        "object": "file",
        "id": file.id,
        "purpose": file.purpose,
        "filename": file.filename,
        "bytes": file.bytes,
        "created_at": seconds(file.created_at),
        "expires_at": seconds(file.expires_at),
        "status": "processed" if processed else "uploaded",
        "status_details": None,
    }


def upload_body(upload: Upload, file: dict[str, Any] | None = None) -> dict[str, Any]:
    """An Upload, with the file that it became."""
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
    """A part of an upload."""
    return {
        "object": "upload.part",
        "id": part.id,
        "created_at": seconds(part.created_at),
        "upload_id": part.upload,
    }


def job_body(job: Job, settings: Settings) -> dict[str, Any]:
    """A job. The deprecated top-level hyperparameters show the three that all methods have."""
    hyperparameters = job.method[job.method["type"]]["hyperparameters"]
    rules = settings.rules
    return {
        "object": "fine_tuning.job",
        "id": job.id,
        "model": job.model,
        "created_at": seconds(job.created_at),
        "finished_at": seconds(job.finished_at),
        "fine_tuned_model": job.fine_tuned_model,
        "organization_id": settings.organization_id,
        "result_files": job.result_files or [],
        "status": rules.statuses.get(job.status, job.status),
        "validation_file": job.validation_file,
        "training_file": job.training_file,
        "hyperparameters": {name: hyperparameters[name] for name in _COMMON_HYPERPARAMETERS},
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


def event_body(event: Event) -> dict[str, Any]:
    """An event of a job."""
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
    """A checkpoint of a job."""
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
    """A grant on a checkpoint."""
    return {
        "object": "checkpoint.permission",
        "id": permission.id,
        "created_at": seconds(permission.created_at),
        "project_id": permission.project,
    }


def model_body(model: Model, catalog: Catalog, settings: Settings) -> dict[str, Any]:
    """A fine-tuned model; it shares its base model's last day."""
    base = catalog.find(model.base)
    return {
        "id": model.id,
        "object": "model",
        "created": seconds(model.created_at),
        "owned_by": settings.organization_id,
        "shutdown_date": _date(base),
    }


def base_model_body(name: str, model: BaseModel) -> dict[str, Any]:
    """A base model under its id or an alias."""
    return {
        "id": name,
        "object": "model",
        "created": model.created(),
        "owned_by": "system",
        "shutdown_date": _date(model),
    }


def list_body(data: Sequence[dict[str, Any]], *, has_more: bool, ends: bool = False) -> dict[str, Any]:
    """A page; `ends` adds the ids of its first and last object, which only some lists have."""
    body = {"object": "list", "data": list(data), "has_more": has_more}
    if ends:
        body |= {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return body


def deleted_body(kind: str, object_id: str) -> dict[str, Any]:
    """The answer to a DELETE."""
    return {"object": kind, "id": object_id, "deleted": True}


def _date(model: BaseModel | None) -> str | None:
    if model is None or model.shutdown_date is None:
        return None
    return model.shutdown_date.isoformat()
