"""Arguments and results of functions. Results that are one object of the API are the API's objects themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pulumi_openai_ft._client.objects import Checkpoint, Event, FileObject, Job, Model, Permission
from pulumi_openai_ft._provider.input_models import InputModel
from pulumi_openai_ft._provider.job.inputs import Id  # noqa: TC001 - pydantic looks it up

Limit = Annotated[int, Field(ge=1)]


class JobArguments(InputModel):
    """Which job."""

    fine_tuning_job_id: Id = Field(description="The job, `ftjob-…`.")


class JobsArguments(InputModel):
    """Which jobs."""

    status: Id | None = Field(default=None, description="Only jobs of this status, such as `running`.")
    model: Id | None = Field(default=None, description="Only jobs that train this model, an alias will do.")
    metadata: dict[str, str] | None = Field(
        default=None, description="Only jobs whose metadata holds all of this."
    )
    limit: Limit | None = Field(default=None, description="How many at the most, all by default.")


class CheckpointsArguments(JobArguments):
    """Which checkpoints."""

    limit: Limit | None = Field(default=None, description="How many at the most, all by default.")


class EventsArguments(JobArguments):
    """Which events."""

    limit: Limit | None = Field(default=None, description="How many at the most, all by default.")
    level: Literal["info", "warn", "warning", "error"] | None = Field(
        default=None, description="Only events of this level; `warn` and `warning` are the same."
    )
    type: Id | None = Field(
        default=None, description="Only events of this type, such as `message` or `metrics`."
    )
    order: Literal["newest", "oldest"] = Field(default="newest", description="Which event comes first.")


class PermissionsArguments(InputModel):
    """Which permissions."""

    checkpoint_id: Id = Field(description="The checkpoint's name, `ft:…`; its id is looked up.")
    project_id: Id | None = Field(default=None, description="Only permissions of this project, `proj_…`.")
    limit: Limit | None = Field(default=None, description="How many at the most, all by default.")


class FileArguments(InputModel):
    """Which file."""

    file_id: Id = Field(description="The file, `file-…`.")


class FilesArguments(InputModel):
    """Which files."""

    purpose: Id | None = Field(default=None, description="Only files of this purpose, such as `fine-tune`.")
    limit: Limit | None = Field(default=None, description="How many at the most, all by default.")


class ModelArguments(InputModel):
    """Which model."""

    model_id: Id = Field(description="The model's name, `ft:…` or that of a base model.")


class ModelsArguments(InputModel):
    """Which models."""

    owned_by: Id | None = Field(default=None, description="Only models of this owner, such as `system`.")
    limit: Limit | None = Field(default=None, description="How many at the most, all by default.")


class ListResult(BaseModel):
    """Base of the results that hold a list."""

    model_config = ConfigDict(frozen=True, defer_build=True, protected_namespaces=())


class FineTuningJobs(ListResult):
    """Jobs, newest first."""

    jobs: list[Job] = Field(default_factory=list, description="The jobs, as the API describes them.")


class FineTuningCheckpoints(ListResult):
    """Checkpoints of a job, last step first."""

    fine_tuning_job_id: str = Field(description="The job.")
    checkpoints: list[Checkpoint] = Field(
        default_factory=list,
        description="The checkpoints; `fine_tuned_model_checkpoint` is a checkpoint's name, `ft:…`.",
    )


class FineTuningEvents(ListResult):
    """Events of a job, in the order that was asked for."""

    fine_tuning_job_id: str = Field(description="The job.")
    events: list[Event] = Field(default_factory=list, description="The events.")


class FineTuningCheckpointPermissions(ListResult):
    """Permissions of a checkpoint, newest first."""

    checkpoint_id: str = Field(description="The checkpoint, as it was asked for.")
    permissions: list[Permission] = Field(default_factory=list, description="One for each project.")

    @property
    def project_ids(self) -> list[str]:
        """The projects that may use the checkpoint."""
        return [permission.project_id for permission in self.permissions]


class Files(ListResult):
    """Files, newest first."""

    files: list[FileObject] = Field(default_factory=list, description="The files.")


class Models(ListResult):
    """Models, in the service's order."""

    models: list[Model] = Field(default_factory=list, description="The models.")
