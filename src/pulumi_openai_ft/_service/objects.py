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

    id: str
    object: str | None = None


class FileObject(APIObject):
    """An uploaded file (`GET /files/{id}`). `bytes` is its size."""

    filename: str | None = None
    purpose: str | None = None
    bytes: int | None = None
    created_at: int = 0
    expires_at: int | None = None
    status: str | None = None
    status_details: str | None = None


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

    code: str | None = None
    message: str | None = None
    param: str | None = None


class Job(APIObject):
    """A fine-tuning job (`GET /fine_tuning/jobs/{id}`)."""

    status: str
    model: str
    created_at: int = 0
    finished_at: int | None = None
    estimated_finish: int | None = None
    organization_id: str | None = None
    training_file: str | None = None
    validation_file: str | None = None
    result_files: list[str] = Field(default_factory=list)
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    hyperparameters: dict[str, Any] | None = None
    method: dict[str, Any] | None = None
    integrations: list[dict[str, Any]] | None = None
    metadata: dict[str, str] | None = None
    seed: int | None = None
    user_provided_suffix: str | None = None
    error: JobError | None = None
    eval_id: str | None = None
    shared_with_openai: bool | None = None
    usage_metrics: Any = None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has come to its end. A status that nobody has heard of yet has not."""
        return self.status in TERMINAL_STATUSES


class Event(APIObject):
    """One entry of a job's log (`GET /fine_tuning/jobs/{id}/events`)."""

    created_at: int = 0
    level: str = "info"
    message: str = ""
    type: str | None = None
    data: dict[str, Any] | None = None


class Checkpoint(APIObject):
    """A model as it was after one step (`GET /fine_tuning/jobs/{id}/checkpoints`)."""

    created_at: int = 0
    fine_tuned_model_checkpoint: str
    fine_tuning_job_id: str | None = None
    step_number: int | None = None
    metrics: dict[str, float | None] = Field(default_factory=dict)


class Permission(APIObject):
    """One project's right to use a checkpoint (`GET /fine_tuning/checkpoints/{name}/permissions`)."""

    created_at: int = 0
    project_id: str


class Model(APIObject):
    """A model (`GET /models/{id}`). `shutdown_date` is `YYYY-MM-DD`, or None where none is announced."""

    created: int = 0
    owned_by: str | None = None
    shutdown_date: str | None = None


Item = TypeVar("Item", bound=APIObject)


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    model_config = ConfigDict(extra="allow", defer_build=True)

    data: list[Item]
    has_more: bool = False
    last_id: str | None = None
