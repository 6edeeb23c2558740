"""Functions that read jobs, checkpoints, events, permissions, files and models, and their output forms.

A function sends its request immediately, also during a preview. Its output form, `…_output`, accepts outputs and waits
for them. During a preview, its result is unknown if an argument is unknown, and no request is sent.

Both forms call the service through the engine, so that you can replace them with Pulumi's mocks. Outside of a Pulumi
program, or if the provider's host does not support functions, they call the service directly. Results are immutable
and include response fields that this package does not define.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_openai_ft._shared.lazy_module import LazyModule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.objects import Checkpoint, Event, FileObject, Job, Model, Permission
    from pulumi_openai_ft._metrics.steps import StepMetrics
    from pulumi_openai_ft._program.functions import call, lookups, models
    from pulumi_openai_ft._program.functions.models import (
        Files,
        FineTuningCheckpointPermissions,
        FineTuningCheckpoints,
        FineTuningEvents,
        FineTuningJobs,
        FineTuningMetrics,
        Models,
    )
    from pulumi_openai_ft.types import (
        CheckpointMetric,
        EventLevel,
        EventOrder,
        EventType,
        FilePurpose,
        JobStatus,
        ModelName,
    )
else:
    call, lookups = LazyModule("_program.functions.call"), LazyModule("_program.functions.lookups")
    models = LazyModule("_program.functions.models")

__all__ = [
    "Checkpoint",
    "Event",
    "FileObject",
    "Files",
    "FineTuningCheckpointPermissions",
    "FineTuningCheckpoints",
    "FineTuningEvents",
    "FineTuningJobs",
    "FineTuningMetrics",
    "Job",
    "Model",
    "Models",
    "Permission",
    "StepMetrics",
    "best_checkpoint",
    "best_checkpoint_output",
    "get_file",
    "get_file_output",
    "get_files",
    "get_files_output",
    "get_fine_tuning_checkpoint_permissions",
    "get_fine_tuning_checkpoint_permissions_output",
    "get_fine_tuning_checkpoints",
    "get_fine_tuning_checkpoints_output",
    "get_fine_tuning_events",
    "get_fine_tuning_events_output",
    "get_fine_tuning_job",
    "get_fine_tuning_job_output",
    "get_fine_tuning_jobs",
    "get_fine_tuning_jobs_output",
    "get_fine_tuning_metrics",
    "get_fine_tuning_metrics_output",
    "get_model",
    "get_model_output",
    "get_models",
    "get_models_output",
]

Options = pulumi.InvokeOptions | None


def get_fine_tuning_job(fine_tuning_job_id: str, *, opts: Options = None) -> Job:
    """Return a fine-tuning job.

    Source in the API: `GET /fine_tuning/jobs/{id}`.

    Args:
        fine_tuning_job_id: Id of the job, `ftjob-…`.
        opts: Pulumi's invoke options.

    Raises:
        NotFoundError: The job does not exist or is not visible to this API key and project.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.JOB, opts, fine_tuning_job_id=fine_tuning_job_id)


def get_fine_tuning_job_output(
    fine_tuning_job_id: pulumi.Input[str], *, opts: Options = None
) -> pulumi.Output[Job]:
    """Call `get_fine_tuning_job` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.JOB, opts, fine_tuning_job_id=fine_tuning_job_id)


def get_fine_tuning_jobs(
    *,
    status: str | JobStatus | None = None,
    model: str | ModelName | None = None,
    metadata: Mapping[str, str] | None = None,
    limit: int | None = None,
    opts: Options = None,
) -> FineTuningJobs:
    """Return fine-tuning jobs, newest first.

    Source in the API: `GET /fine_tuning/jobs`, following pagination.

    Args:
        status: Only jobs with this status, such as `running`.
        model: Only jobs that train this base model. An alias also matches the dated model.
        metadata: Only jobs whose metadata contains all of these pairs.
        limit: Maximum number of results. By default, all are returned.
        opts: Pulumi's invoke options.

    Raises:
        InputError: An argument is invalid, or the service does not support metadata.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.JOBS, opts, status=status, model=model, metadata=metadata, limit=limit)


def get_fine_tuning_jobs_output(
    *,
    status: pulumi.Input[str | JobStatus | None] = None,
    model: pulumi.Input[str | ModelName | None] = None,
    metadata: pulumi.Input[Mapping[str, pulumi.Input[str]] | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[FineTuningJobs]:
    """Call `get_fine_tuning_jobs` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.JOBS, opts, status=status, model=model, metadata=metadata, limit=limit)


def get_fine_tuning_checkpoints(
    fine_tuning_job_id: str, *, limit: int | None = None, opts: Options = None
) -> FineTuningCheckpoints:
    """Return the checkpoints of a job, last step first. The service keeps only a few of them.

    Source in the API: `GET /fine_tuning/jobs/{id}/checkpoints`, following pagination.

    Args:
        fine_tuning_job_id: Id of the job, `ftjob-…`.
        limit: Maximum number of results. By default, all are returned.
        opts: Pulumi's invoke options.

    Raises:
        InputError: An argument is invalid, or the service does not support checkpoints.
        NotFoundError: The job does not exist or is not visible to this API key and project.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.CHECKPOINTS, opts, fine_tuning_job_id=fine_tuning_job_id, limit=limit)


def get_fine_tuning_checkpoints_output(
    fine_tuning_job_id: pulumi.Input[str], *, limit: pulumi.Input[int | None] = None, opts: Options = None
) -> pulumi.Output[FineTuningCheckpoints]:
    """Call `get_fine_tuning_checkpoints` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.CHECKPOINTS, opts, fine_tuning_job_id=fine_tuning_job_id, limit=limit)


def get_fine_tuning_events(
    fine_tuning_job_id: str,
    *,
    limit: int | None = None,
    level: EventLevel | None = None,
    type: str | EventType | None = None,  # noqa: A002 - the API's name
    order: EventOrder = "newest",
    opts: Options = None,
) -> FineTuningEvents:
    """Return the events of a job, newest first.

    Source in the API: `GET /fine_tuning/jobs/{id}/events`, following pagination.

    Args:
        fine_tuning_job_id: Id of the job, `ftjob-…`.
        limit: Maximum number of matching results. By default, all are returned.
        level: Only events with this level; `warn` and `warning` are equivalent.
        type: Only events with this type, such as `message`, `metrics` or `moderation_checks`.
        order: Whether the newest or the oldest event comes first. Events with the same timestamp are ordered by
                their position in the API's response.
        opts: Pulumi's invoke options.

    Raises:
        InputError: An argument is invalid, or the service does not support events.
        NotFoundError: The job does not exist or is not visible to this API key and project.
        OpenAIFTError: The request failed.
    """
    return call.call(
        lookups.EVENTS,
        opts,
        fine_tuning_job_id=fine_tuning_job_id,
        limit=limit,
        level=level,
        type=type,
        order=order,
    )


def get_fine_tuning_events_output(
    fine_tuning_job_id: pulumi.Input[str],
    *,
    limit: pulumi.Input[int | None] = None,
    level: pulumi.Input[EventLevel | None] = None,
    type: pulumi.Input[str | EventType | None] = None,  # noqa: A002 - the API's name
    order: pulumi.Input[EventOrder] = "newest",
    opts: Options = None,
) -> pulumi.Output[FineTuningEvents]:
    """Call `get_fine_tuning_events` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(
        lookups.EVENTS,
        opts,
        fine_tuning_job_id=fine_tuning_job_id,
        limit=limit,
        level=level,
        type=type,
        order=order,
    )


def get_fine_tuning_metrics(fine_tuning_job_id: str, *, opts: Options = None) -> FineTuningMetrics:
    """Return the metrics of a job's training steps: loss, accuracy and reward, one row per step.

    They are read from the job's result files if the service returns them, otherwise from the job's events. If the
    service has neither, `metrics` is empty and `missing` states the reasons. Sources in the API:
    `GET /fine_tuning/jobs/{id}`, `GET /files/{id}/content`, `GET /fine_tuning/jobs/{id}/events`.

    Args:
        fine_tuning_job_id: Id of the job, `ftjob-…`.
        opts: Pulumi's invoke options.

    Raises:
        NotFoundError: The job does not exist or is not visible to this API key and project.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.METRICS, opts, fine_tuning_job_id=fine_tuning_job_id)


def get_fine_tuning_metrics_output(
    fine_tuning_job_id: pulumi.Input[str], *, opts: Options = None
) -> pulumi.Output[FineTuningMetrics]:
    """Call `get_fine_tuning_metrics` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.METRICS, opts, fine_tuning_job_id=fine_tuning_job_id)


def best_checkpoint(
    fine_tuning_job_id: str, *, by: CheckpointMetric = "full_valid_loss", opts: Options = None
) -> Checkpoint:
    """Return the best checkpoint of a job by a metric. Of equally good checkpoints, the latest is returned.

    The service keeps only a few checkpoints, and only those are compared. Source in the API:
    `GET /fine_tuning/jobs/{id}/checkpoints`, following pagination.

    Args:
        fine_tuning_job_id: Id of the job, `ftjob-…`.
        by: Metric to compare: the lowest loss, or the highest accuracy or reward, is the best.
        opts: Pulumi's invoke options.

    Raises:
        InputError: No checkpoint has the metric, an argument is invalid, or the service does not support checkpoints.
        NotFoundError: The job does not exist or is not visible to this API key and project.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.BEST_CHECKPOINT, opts, fine_tuning_job_id=fine_tuning_job_id, by=by)


def best_checkpoint_output(
    fine_tuning_job_id: pulumi.Input[str],
    *,
    by: pulumi.Input[CheckpointMetric] = "full_valid_loss",
    opts: Options = None,
) -> pulumi.Output[Checkpoint]:
    """Call `best_checkpoint` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.BEST_CHECKPOINT, opts, fine_tuning_job_id=fine_tuning_job_id, by=by)


def get_fine_tuning_checkpoint_permissions(
    checkpoint_id: str, *, project_id: str | None = None, limit: int | None = None, opts: Options = None
) -> FineTuningCheckpointPermissions:
    """Return the permissions of a checkpoint, newest first. Each permission lets a project use the checkpoint.

    Requires an admin key. Source in the API: `GET /fine_tuning/checkpoints/{name}/permissions`, following pagination.

    Args:
        checkpoint_id: Name of the checkpoint, `ft:…`. An id, `ftckpt_…`, is looked up in recent jobs.
        project_id: Only permissions of this project, `proj_…`.
        limit: Maximum number of matching results. By default, all are returned.
        opts: Pulumi's invoke options.

    Raises:
        SettingsError: The admin key is not configured.
        MissingScopeError: The admin key lacks the scope to read permissions.
        InputError: An argument is invalid, or the service does not support permissions.
        NotFoundError: The checkpoint does not exist.
        OpenAIFTError: The request failed.
    """
    return call.call(
        lookups.PERMISSIONS, opts, checkpoint_id=checkpoint_id, project_id=project_id, limit=limit
    )


def get_fine_tuning_checkpoint_permissions_output(
    checkpoint_id: pulumi.Input[str],
    *,
    project_id: pulumi.Input[str | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[FineTuningCheckpointPermissions]:
    """Call `get_fine_tuning_checkpoint_permissions` with outputs. `opts` may be `pulumi.InvokeOutputOptions(…)`."""
    return call.call_output(
        lookups.PERMISSIONS, opts, checkpoint_id=checkpoint_id, project_id=project_id, limit=limit
    )


def get_file(file_id: str, *, opts: Options = None) -> FileObject:
    """Return an uploaded file, without its content.

    Source in the API: `GET /files/{id}`.

    Args:
        file_id: Id of the file, `file-…`.
        opts: Pulumi's invoke options.

    Raises:
        NotFoundError: The file does not exist or is not visible to this API key and project.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.FILE, opts, file_id=file_id)


def get_file_output(file_id: pulumi.Input[str], *, opts: Options = None) -> pulumi.Output[FileObject]:
    """Call `get_file` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.FILE, opts, file_id=file_id)


def get_files(
    *, purpose: str | FilePurpose | None = None, limit: int | None = None, opts: Options = None
) -> Files:
    """Return the uploaded files, newest first.

    Source in the API: `GET /files`, following pagination.

    Args:
        purpose: Only files with this purpose, such as `fine-tune`.
        limit: Maximum number of results. By default, all are returned.
        opts: Pulumi's invoke options.

    Raises:
        InputError: An argument is invalid.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.FILES, opts, purpose=purpose, limit=limit)


def get_files_output(
    *,
    purpose: pulumi.Input[str | FilePurpose | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[Files]:
    """Call `get_files` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.FILES, opts, purpose=purpose, limit=limit)


def get_model(model_id: str | ModelName, *, opts: Options = None) -> Model:
    """Return a base model or a fine-tuned model, with its shutdown date if the service has announced it.

    Source in the API: `GET /models/{id}`.

    Args:
        model_id: Name of the fine-tuned model, `ft:…`, or of the base model.
        opts: Pulumi's invoke options.

    Raises:
        InputError: The service does not list its models.
        NotFoundError: The model does not exist or is not visible to this API key and project.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.MODEL, opts, model_id=model_id)


def get_model_output(
    model_id: pulumi.Input[str | ModelName], *, opts: Options = None
) -> pulumi.Output[Model]:
    """Call `get_model` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.MODEL, opts, model_id=model_id)


def get_models(*, owned_by: str | None = None, limit: int | None = None, opts: Options = None) -> Models:
    """Return the models that the API key can use, in the service's order.

    Source in the API: `GET /models`.

    Args:
        owned_by: Only models with this owner: `system` or an organization.
        limit: Maximum number of matching results. By default, all are returned.
        opts: Pulumi's invoke options.

    Raises:
        InputError: An argument is invalid, or the service does not list its models.
        OpenAIFTError: The request failed.
    """
    return call.call(lookups.MODELS, opts, owned_by=owned_by, limit=limit)


def get_models_output(
    *,
    owned_by: pulumi.Input[str | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[Models]:
    """Call `get_models` with outputs. `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.call_output(lookups.MODELS, opts, owned_by=owned_by, limit=limit)


def __getattr__(name: str) -> Any:
    """Return a class of the results. These are pydantic models, which are imported only on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(models, name)
