"""Models of the arguments and list results of the lookup functions. Single results use the API's object classes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from pulumi_openai_ft._client.objects import Checkpoint, Event, FileObject, Job, Model, Permission
from pulumi_openai_ft._metrics.checkpoint_choice import CheckpointMetric  # noqa: TC001 - for pydantic
from pulumi_openai_ft._metrics.reading import Source
from pulumi_openai_ft._metrics.steps import StepMetrics
from pulumi_openai_ft._provider.input_models import InputModel
from pulumi_openai_ft._provider.job.inputs import Id  # noqa: TC001 - pydantic needs it at run time

Limit = Annotated[int, Field(ge=1)]


class JobArguments(InputModel):
    """Arguments of `get_fine_tuning_job`."""

    fine_tuning_job_id: Id = Field(description="Id of the job, `ftjob-…`.")


class JobsArguments(InputModel):
    """Arguments of `get_fine_tuning_jobs`."""

    status: Id | None = Field(default=None, description="Only jobs with this status, such as `running`.")
    model: Id | None = Field(
        default=None,
        description="Only jobs that train this base model. An alias also matches the dated model.",
    )
    metadata: dict[str, str] | None = Field(
        default=None, description="Only jobs whose metadata contains all of these pairs."
    )
    limit: Limit | None = Field(
        default=None, description="Maximum number of results. By default, all are returned."
    )


class CheckpointsArguments(JobArguments):
    """Arguments of `get_fine_tuning_checkpoints`."""

    limit: Limit | None = Field(
        default=None, description="Maximum number of results. By default, all are returned."
    )


class BestCheckpointArguments(JobArguments):
    """Arguments of `best_checkpoint`."""

    by: CheckpointMetric = Field(
        default="full_valid_loss",
        description="Metric to compare: the lowest loss, or the highest accuracy or reward, is the best.",
    )


class EventsArguments(JobArguments):
    """Arguments of `get_fine_tuning_events`."""

    limit: Limit | None = Field(
        default=None, description="Maximum number of results. By default, all are returned."
    )
    level: Literal["info", "warn", "warning", "error"] | None = Field(
        default=None, description="Only events with this level; `warn` and `warning` are equivalent."
    )
    type: Id | None = Field(
        default=None, description="Only events with this type, such as `message` or `metrics`."
    )
    order: Literal["newest", "oldest"] = Field(
        default="newest", description="Whether the newest or the oldest event comes first."
    )


class PermissionsArguments(InputModel):
    """Arguments of `get_fine_tuning_checkpoint_permissions`."""

    checkpoint_id: Id = Field(
        description="Name of the checkpoint, `ft:…`. An id, `ftckpt_…`, is looked up in recent jobs."
    )
    project_id: Id | None = Field(default=None, description="Only permissions of this project, `proj_…`.")
    limit: Limit | None = Field(
        default=None, description="Maximum number of results. By default, all are returned."
    )


class FileArguments(InputModel):
    """Arguments of `get_file`."""

    file_id: Id = Field(description="Id of the file, `file-…`.")


class FilesArguments(InputModel):
    """Arguments of `get_files`."""

    purpose: Id | None = Field(default=None, description="Only files with this purpose, such as `fine-tune`.")
    limit: Limit | None = Field(
        default=None, description="Maximum number of results. By default, all are returned."
    )


class ModelArguments(InputModel):
    """Arguments of `get_model`."""

    model_id: Id = Field(description="Name of the fine-tuned model, `ft:…`, or of the base model.")


class ModelsArguments(InputModel):
    """Arguments of `get_models`."""

    owned_by: Id | None = Field(default=None, description="Only models with this owner, such as `system`.")
    limit: Limit | None = Field(
        default=None, description="Maximum number of results. By default, all are returned."
    )


class ListResult(BaseModel):
    """Base of the results that contain a list."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, defer_build=True, protected_namespaces=())


class FineTuningJobs(ListResult):
    """Jobs, newest first."""

    jobs: list[Job] = Field(default_factory=list, description="The jobs, as returned by the API.")


class FineTuningCheckpoints(ListResult):
    """Checkpoints of a job, last step first."""

    fine_tuning_job_id: str = Field(description="Id of the job.")
    checkpoints: list[Checkpoint] = Field(
        default_factory=list,
        description="The checkpoints. Each one's `fine_tuned_model_checkpoint` is its name, `ft:…`.",
    )


class FineTuningMetrics(ListResult):
    """Metrics of a job's training steps."""

    fine_tuning_job_id: str = Field(description="Id of the job.")
    metrics: list[StepMetrics] = Field(
        default_factory=list, description="The metrics, one row per step, sorted by step."
    )
    source: Source | None = Field(
        default=None,
        description="`result_files` or `events`, from which the metrics were read, or None if there are no metrics.",
    )
    missing: list[str] = Field(
        default_factory=list, description="Reasons why result files or events could not be read."
    )


class FineTuningEvents(ListResult):
    """Events of a job, in the requested order."""

    fine_tuning_job_id: str = Field(description="Id of the job.")
    events: list[Event] = Field(default_factory=list, description="The events.")


class FineTuningCheckpointPermissions(ListResult):
    """Permissions of a checkpoint, newest first."""

    checkpoint_id: str = Field(description="Name or id of the checkpoint, as given in the arguments.")
    permissions: list[Permission] = Field(
        default_factory=list, description="The permissions, each for a single project."
    )

    @property
    def project_ids(self) -> list[str]:
        """Ids of the projects that may use the checkpoint."""
        return [permission.project_id for permission in self.permissions]


class Files(ListResult):
    """Files, newest first."""

    files: list[FileObject] = Field(default_factory=list, description="The files.")


class Models(ListResult):
    """Models, in the service's order."""

    models: list[Model] = Field(default_factory=list, description="The models.")
