"""The API's objects as they come over the wire.

Unknown keys are kept and missing ones tolerated: services add and leave out fields. Statuses, event types and
error codes are open strings. Times are Unix seconds.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Checkpoint", "Event", "FileObject", "Job", "Model", "Permission"]

TERMINAL_STATUSES = frozenset({"succeeded", "failed", "cancelled"})


class APIObject(BaseModel):
    """What all objects of the API share."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True, protected_namespaces=())

    id: str = Field(description="Its id.")
    object: str | None = Field(default=None, description="What the API calls its kind.")


class FileObject(APIObject):
    """An uploaded file (`GET /files/{id}`). `bytes` is its size."""

    filename: str | None = Field(default=None, description="Name at the service.")
    purpose: str | None = Field(default=None, description="What the service may use the file for.")
    bytes: int | None = Field(default=None, description="Size in bytes.")
    created_at: int = Field(default=0, description="When it was uploaded.")
    expires_at: int | None = Field(default=None, description="When the service deletes it, or None.")
    status: str | None = Field(default=None, description="`uploaded`, `processed` or `error`.")
    status_details: str | None = Field(
        default=None, description="Why it is unfit, where the service says so."
    )


class Upload(APIObject):
    """A file on its way in parts (`POST /uploads`). It waits for them until `expires_at`.

    Attributes:
        file: What the parts have become.
    """

    status: str | None = None
    expires_at: int | None = None
    file: FileObject | None = None


class Part(APIObject):
    """A part of an upload (`POST /uploads/{id}/parts`)."""


class JobError(BaseModel):
    """Why a job failed. All fields are empty while nothing failed."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    code: str | None = Field(
        default=None, description="Kind of the failure, such as `invalid_training_file`."
    )
    message: str | None = Field(default=None, description="What failed.")
    param: str | None = Field(default=None, description="The field that is to blame.")


class Job(APIObject):
    """A fine-tuning job (`GET /fine_tuning/jobs/{id}`)."""

    status: str = Field(
        description="`validating_files`, `queued`, `running`, `paused`, `succeeded`, `failed`, `cancelled`, or another one."
    )
    model: str = Field(description="The base model.")
    created_at: int = Field(default=0, description="When the job was created.")
    finished_at: int | None = Field(default=None, description="When the job succeeded.")
    estimated_finish: int | None = Field(default=None, description="When the service expects it to be done.")
    organization_id: str | None = Field(default=None, description="The organization that owns the job.")
    training_file: str | None = Field(default=None, description="Id of the training file.")
    validation_file: str | None = Field(default=None, description="Id of the validation file.")
    result_files: list[str] = Field(
        default_factory=list, description="Ids of the files that hold the training's metrics."
    )
    fine_tuned_model: str | None = Field(
        default=None, description="Name of the model, `ft:…`, once the job has succeeded."
    )
    trained_tokens: int | None = Field(default=None, description="Tokens that are billed, over all epochs.")
    hyperparameters: dict[str, Any] | None = Field(
        default=None, description="Hyperparameters as the API told them before there were methods."
    )
    method: dict[str, Any] | None = Field(
        default=None, description="How the model is trained, with what the service chose for `auto`."
    )
    integrations: list[dict[str, Any]] | None = Field(
        default=None, description="Services that follow the training."
    )
    metadata: dict[str, str] | None = Field(
        default=None, description="Pairs of texts that were given to the job, our token among them."
    )
    seed: int | None = Field(default=None, description="The seed, as given or as the service picked it.")
    user_provided_suffix: str | None = Field(default=None, description="The suffix that was asked for.")
    error: JobError | None = Field(default=None, description="Why the job failed.")
    eval_id: str | None = Field(default=None, description="The evaluation that reinforcement training made.")
    shared_with_openai: bool | None = Field(
        default=None, description="Whether the data is shared with OpenAI."
    )
    usage_metrics: Any = Field(default=None, description="What the training used, where the service says so.")

    @property
    def is_terminal(self) -> bool:
        """Whether the job has come to its end. A status that nobody has heard of yet has not."""
        return self.status in TERMINAL_STATUSES


class Event(APIObject):
    """One entry of a job's log (`GET /fine_tuning/jobs/{id}/events`)."""

    created_at: int = Field(default=0, description="When it happened.")
    level: str = Field(default="info", description="`info`, `warn` or `error`.")
    message: str = Field(default="", description="What happened, in words.")
    type: str | None = Field(default=None, description="`message`, `metrics` or another one.")
    data: dict[str, Any] | None = Field(default=None, description="What happened, in figures.")


class Checkpoint(APIObject):
    """A model as it was after one step (`GET /fine_tuning/jobs/{id}/checkpoints`)."""

    created_at: int = Field(default=0, description="When it was made.")
    fine_tuned_model_checkpoint: str = Field(description="Its name, `ft:…`, by which it is used and shared.")
    fine_tuning_job_id: str | None = Field(default=None, description="The job that made it.")
    step_number: int | None = Field(default=None, description="The step after which it was made.")
    metrics: dict[str, float | None] = Field(
        default_factory=dict,
        description="What was measured at that step, such as `train_loss` and `full_valid_loss`.",
    )


class Permission(APIObject):
    """One project's right to use a checkpoint (`GET /fine_tuning/checkpoints/{name}/permissions`)."""

    created_at: int = Field(default=0, description="When it was granted.")
    project_id: str = Field(description="The project that may use the checkpoint, `proj_…`.")


class Model(APIObject):
    """A model (`GET /models/{id}`). `shutdown_date` is `YYYY-MM-DD`, or None where none is announced."""

    created: int = Field(default=0, description="When it was made.")
    owned_by: str | None = Field(default=None, description="`system`, or the organization.")
    shutdown_date: str | None = Field(
        default=None,
        description="The day on which it is shut down, `YYYY-MM-DD`, or None where none is announced.",
    )


Item = TypeVar("Item", bound=APIObject)


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    data: list[Item]
    has_more: bool = False
    last_id: str | None = None
