"""Functions that look up jobs and what belongs to them, and their twins that take and give outputs.

A function asks at once, in previews too. Its twin `…_output` waits for what it is given, and in a preview stays unknown
while that is, without asking. Both go through the engine, so that Pulumi's mocks can answer them; outside of Pulumi, and
where the provider's host answers no functions, they ask the service themselves. What they give is frozen, and keeps
fields that this package does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pulumi

from pulumi_openai_ft._shared.lazy_module import LazyModule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.objects import Checkpoint, Event, FileObject, Job, Model, Permission
    from pulumi_openai_ft._program.functions import call, lookups, models
    from pulumi_openai_ft._program.functions.models import (
        Files,
        FineTuningCheckpointPermissions,
        FineTuningCheckpoints,
        FineTuningEvents,
        FineTuningJobs,
        Models,
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
    "Job",
    "Model",
    "Models",
    "Permission",
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
    "get_model",
    "get_model_output",
    "get_models",
    "get_models_output",
]

Options = pulumi.InvokeOptions | None
Level = Literal["info", "warn", "warning", "error"]
Order = Literal["newest", "oldest"]


def get_fine_tuning_job(fine_tuning_job_id: str, *, opts: Options = None) -> Job:
    """A fine-tuning job.

    Source in the API: `GET /fine_tuning/jobs/{id}`.

    Args:
        fine_tuning_job_id: The job, `ftjob-…`.
        opts: Pulumi's options for functions.

    Raises:
        NotFoundError: There is no such job for this key and project.
        OpenAIFTError: The service cannot be asked.
    """
    return call.call(lookups.JOB, opts, fine_tuning_job_id=fine_tuning_job_id)


def get_fine_tuning_job_output(
    fine_tuning_job_id: pulumi.Input[str], *, opts: Options = None
) -> pulumi.Output[Job]:
    """Like `get_fine_tuning_job`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.JOB, opts, fine_tuning_job_id=fine_tuning_job_id)


def get_fine_tuning_jobs(
    *,
    status: str | None = None,
    model: str | None = None,
    metadata: Mapping[str, str] | None = None,
    limit: int | None = None,
    opts: Options = None,
) -> FineTuningJobs:
    """Fine-tuning jobs, newest first.

    Source in the API: `GET /fine_tuning/jobs`, as many pages as it takes.

    Args:
        status: Only jobs of this status, such as `running`.
        model: Only jobs that train this model; an alias stands for the dated model too.
        metadata: Only jobs whose metadata holds all of this.
        limit: How many at the most; all by default.
        opts: Pulumi's options for functions.

    Raises:
        InputError: An argument does not fit, or the service keeps no metadata.
        OpenAIFTError: The service cannot be asked.
    """
    return call.call(lookups.JOBS, opts, status=status, model=model, metadata=metadata, limit=limit)


def get_fine_tuning_jobs_output(
    *,
    status: pulumi.Input[str | None] = None,
    model: pulumi.Input[str | None] = None,
    metadata: pulumi.Input[Mapping[str, pulumi.Input[str]] | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[FineTuningJobs]:
    """Like `get_fine_tuning_jobs`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.JOBS, opts, status=status, model=model, metadata=metadata, limit=limit)


def get_fine_tuning_checkpoints(
    fine_tuning_job_id: str, *, limit: int | None = None, opts: Options = None
) -> FineTuningCheckpoints:
    """Checkpoints of a job, last step first. The service keeps few of them.

    Source in the API: `GET /fine_tuning/jobs/{id}/checkpoints`, as many pages as it takes.

    Args:
        fine_tuning_job_id: The job, `ftjob-…`.
        limit: How many at the most; all by default.
        opts: Pulumi's options for functions.

    Raises:
        InputError: An argument does not fit, or the service has no checkpoints.
        NotFoundError: There is no such job for this key and project.
        OpenAIFTError: The service cannot be asked.
    """
    return call.call(lookups.CHECKPOINTS, opts, fine_tuning_job_id=fine_tuning_job_id, limit=limit)


def get_fine_tuning_checkpoints_output(
    fine_tuning_job_id: pulumi.Input[str], *, limit: pulumi.Input[int | None] = None, opts: Options = None
) -> pulumi.Output[FineTuningCheckpoints]:
    """Like `get_fine_tuning_checkpoints`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.CHECKPOINTS, opts, fine_tuning_job_id=fine_tuning_job_id, limit=limit)


def get_fine_tuning_events(
    fine_tuning_job_id: str,
    *,
    limit: int | None = None,
    level: Level | None = None,
    type: str | None = None,  # noqa: A002 - the API's name
    order: Order = "newest",
    opts: Options = None,
) -> FineTuningEvents:
    """Events of a job, newest first.

    Source in the API: `GET /fine_tuning/jobs/{id}/events`, as many pages as it takes.

    Args:
        fine_tuning_job_id: The job, `ftjob-…`.
        limit: How many at the most, of those that fit; all by default.
        level: Only events of this level; `warn` and `warning` are the same.
        type: Only events of this type, such as `message`, `metrics` or `moderation_checks`.
        order: Which event comes first. Events of the same second are as old as their place in the API's list says.
        opts: Pulumi's options for functions.

    Raises:
        InputError: An argument does not fit, or the service has no events.
        NotFoundError: There is no such job for this key and project.
        OpenAIFTError: The service cannot be asked.
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
    level: pulumi.Input[Level | None] = None,
    type: pulumi.Input[str | None] = None,  # noqa: A002 - the API's name
    order: pulumi.Input[Order] = "newest",
    opts: Options = None,
) -> pulumi.Output[FineTuningEvents]:
    """Like `get_fine_tuning_events`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(
        lookups.EVENTS,
        opts,
        fine_tuning_job_id=fine_tuning_job_id,
        limit=limit,
        level=level,
        type=type,
        order=order,
    )


def get_fine_tuning_checkpoint_permissions(
    checkpoint_id: str, *, project_id: str | None = None, limit: int | None = None, opts: Options = None
) -> FineTuningCheckpointPermissions:
    """Permissions of a checkpoint, newest first: which projects may use it. They need the admin key.

    Source in the API: `GET /fine_tuning/checkpoints/{name}/permissions`, as many pages as it takes.

    Args:
        checkpoint_id: The checkpoint's name, `ft:…`. An id, `ftckpt_…`, is looked up among recent jobs.
        project_id: Only permissions of this project, `proj_…`.
        limit: How many at the most, of those that fit; all by default.
        opts: Pulumi's options for functions.

    Raises:
        SettingsError: No admin key is set.
        MissingScopeError: The admin key may not read permissions.
        InputError: An argument does not fit, or the service has no permissions.
        NotFoundError: There is no such checkpoint.
        OpenAIFTError: The service cannot be asked.
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
    """Like `get_fine_tuning_checkpoint_permissions`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(…)`."""
    return call.ask_output(
        lookups.PERMISSIONS, opts, checkpoint_id=checkpoint_id, project_id=project_id, limit=limit
    )


def get_file(file_id: str, *, opts: Options = None) -> FileObject:
    """An uploaded file, without its content.

    Source in the API: `GET /files/{id}`.

    Args:
        file_id: The file, `file-…`.
        opts: Pulumi's options for functions.

    Raises:
        NotFoundError: There is no such file for this key and project.
        OpenAIFTError: The service cannot be asked.
    """
    return call.call(lookups.FILE, opts, file_id=file_id)


def get_file_output(file_id: pulumi.Input[str], *, opts: Options = None) -> pulumi.Output[FileObject]:
    """Like `get_file`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.FILE, opts, file_id=file_id)


def get_files(*, purpose: str | None = None, limit: int | None = None, opts: Options = None) -> Files:
    """Uploaded files, newest first.

    Source in the API: `GET /files`, as many pages as it takes.

    Args:
        purpose: Only files of this purpose, such as `fine-tune`.
        limit: How many at the most; all by default.
        opts: Pulumi's options for functions.

    Raises:
        InputError: An argument does not fit.
        OpenAIFTError: The service cannot be asked.
    """
    return call.call(lookups.FILES, opts, purpose=purpose, limit=limit)


def get_files_output(
    *,
    purpose: pulumi.Input[str | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[Files]:
    """Like `get_files`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.FILES, opts, purpose=purpose, limit=limit)


def get_model(model_id: str, *, opts: Options = None) -> Model:
    """A base model or a fine-tuned one, with the day on which it is shut down, where that is announced.

    Source in the API: `GET /models/{id}`.

    Args:
        model_id: The model's name, `ft:…` or that of a base model.
        opts: Pulumi's options for functions.

    Raises:
        InputError: The service does not show its models.
        NotFoundError: There is no such model for this key and project.
        OpenAIFTError: The service cannot be asked.
    """
    return call.call(lookups.MODEL, opts, model_id=model_id)


def get_model_output(model_id: pulumi.Input[str], *, opts: Options = None) -> pulumi.Output[Model]:
    """Like `get_model`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.MODEL, opts, model_id=model_id)


def get_models(*, owned_by: str | None = None, limit: int | None = None, opts: Options = None) -> Models:
    """The models that the key can use, in the service's order.

    Source in the API: `GET /models`.

    Args:
        owned_by: Only models of this owner: `system`, or an organization.
        limit: How many at the most, of those that fit; all by default.
        opts: Pulumi's options for functions.

    Raises:
        InputError: An argument does not fit, or the service does not show its models.
        OpenAIFTError: The service cannot be asked.
    """
    return call.call(lookups.MODELS, opts, owned_by=owned_by, limit=limit)


def get_models_output(
    *,
    owned_by: pulumi.Input[str | None] = None,
    limit: pulumi.Input[int | None] = None,
    opts: Options = None,
) -> pulumi.Output[Models]:
    """Like `get_models`, for outputs; `opts` may be `pulumi.InvokeOutputOptions(depends_on=…)`."""
    return call.ask_output(lookups.MODELS, opts, owned_by=owned_by, limit=limit)


def __getattr__(name: str) -> Any:
    """The classes of what functions give. They are pydantic's, so they are loaded when somebody asks for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(models, name)
