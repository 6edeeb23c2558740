"""Models of the API's objects.

Services add fields, omit them, set them to null, or return them in another form. Unknown fields are kept. Null means
missing, and so does a value that cannot be read, even in its other forms (see `leniency`). Only the fields without
which an object is of no use are required. Statuses, event types and error codes are open sets of strings. Times are
Unix seconds.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from pulumi_openai_ft._client.leniency import CONVERSIONS
from pulumi_openai_ft._shared.output_types import (
    EventLevel,
    EventType,
    FilePurpose,
    FileStatus,
    IntegrationDict,
    JobStatus,
    MethodDict,
    SupervisedHyperparametersDict,
)

__all__ = ["Checkpoint", "Event", "FileObject", "Job", "Model", "Permission"]

TERMINAL_STATUSES = frozenset({"succeeded", "failed", "cancelled"})


UNKNOWN_STATUS = "unknown"
"""Status of an object that the service returned without one."""


class LenientObject(BaseModel):
    """Base class of objects whose optional fields may be null, missing or malformed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow", frozen=True, defer_build=True, protected_namespaces=()
    )

    _unreadable: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def unreadable(self) -> frozenset[str]:
        """Return the names of the fields that had a value that cannot be read."""
        return self._unreadable

    @model_validator(mode="wrap")
    @classmethod
    def _read_leniently(cls, raw: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """Read an object without its nulls and without the optional values that cannot be read."""
        if not isinstance(raw, dict):
            return read(raw)
        known = {
            name: value
            for name, value in cls._renamed(raw).items()
            if value is not None or name not in cls.model_fields
        }
        given = known | {
            name: convert(known[name])
            for name, convert in CONVERSIONS.items()
            if name in known and name in cls.model_fields
        }
        given = {name: value for name, value in given.items() if value is not None or known[name] is None}
        while True:
            try:
                found = read(given)
            except ValidationError as error:
                odd = {problem["loc"][0] for problem in error.errors() if problem["loc"]} & given.keys()
                if not odd or any(cls.model_fields[str(name)].is_required() for name in odd):
                    raise
                given = {name: value for name, value in given.items() if name not in odd}
            else:
                found._unreadable = frozenset(known) - frozenset(given)  # noqa: SLF001 - its own class
                return found

    @classmethod
    def _renamed(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Return the fields with the names of the API, where a service has others."""
        return raw


class APIObject(LenientObject):
    """Base class of all API objects."""

    id: str = Field(description="Id of the object.")
    object: str | None = Field(default=None, description="Object type, such as `fine_tuning.job`.")


class FileObject(APIObject):
    """An uploaded file (`GET /files/{id}`)."""

    filename: str | None = Field(default=None, description="File name at the service.")
    purpose: str | FilePurpose | None = Field(
        default=None, description="Intended use of the file, such as `fine-tune`."
    )
    bytes: int | None = Field(default=None, description="Size in bytes.")
    created_at: int | None = Field(default=None, description="Time of the upload, in Unix seconds.")
    expires_at: int | None = Field(
        default=None, description="Time when the service deletes the file, in Unix seconds, or None."
    )
    status: str | FileStatus | None = Field(default=None, description="`uploaded`, `processed` or `error`.")
    status_details: str | None = Field(
        default=None, description="Reason for status `error`, if the service provides it."
    )


class Upload(APIObject):
    """A multipart upload (`POST /uploads`). It accepts parts until `expires_at`.

    Attributes:
        file: The file, once the upload is complete.
    """

    status: str | None = None
    expires_at: int | None = None
    file: FileObject | None = None


class Part(APIObject):
    """A part of an upload (`POST /uploads/{id}/parts`)."""


class JobError(LenientObject):
    """The reason why a job failed. All fields are empty unless the job failed."""

    code: str | None = Field(default=None, description="Error code, such as `invalid_training_file`.")
    message: str | None = Field(default=None, description="Error message.")
    param: str | None = Field(default=None, description="Job parameter that caused the failure.")


class Job(APIObject):
    """A fine-tuning job (`GET /fine_tuning/jobs/{id}`)."""

    status: str | JobStatus = Field(
        default=UNKNOWN_STATUS,
        description="`validating_files`, `queued`, `running`, `paused`, `succeeded`, `failed`, `cancelled`, or another "
        "status. `unknown` if the service does not return it.",
    )
    model: str | None = Field(default=None, description="Base model.")
    created_at: int | None = Field(default=None, description="Time of creation, in Unix seconds.")
    finished_at: int | None = Field(
        default=None,
        description="Time when the job ended, in Unix seconds. OpenAI does not return it for a job that failed or was cancelled.",
    )
    estimated_finish: int | None = Field(
        default=None, description="Estimated time of completion, in Unix seconds."
    )
    organization_id: str | None = Field(default=None, description="Organization that owns the job.")
    training_file: str | None = Field(default=None, description="Id of the training file.")
    validation_file: str | None = Field(default=None, description="Id of the validation file.")
    result_files: list[str] = Field(
        default_factory=list, description="Ids of the files with the training metrics."
    )
    fine_tuned_model: str | None = Field(
        default=None, description="Name of the fine-tuned model, `ft:…`, once the job has succeeded."
    )
    trained_tokens: int | None = Field(default=None, description="Number of billed tokens, over all epochs.")
    hyperparameters: SupervisedHyperparametersDict | None = Field(
        default=None, description="Hyperparameters in the deprecated format; use `method` instead."
    )
    method: MethodDict | None = Field(
        default=None,
        description="Training method, with the values that the service chose for `auto` hyperparameters.",
    )
    integrations: list[IntegrationDict] | None = Field(
        default=None, description="Integrations that receive the training metrics, such as Weights & Biases."
    )
    metadata: dict[str, str] | None = Field(
        default=None,
        description="Key-value pairs attached to the job.",
    )
    seed: int | None = Field(default=None, description="Seed, as set by the user or chosen by the service.")
    user_provided_suffix: str | None = Field(default=None, description="Requested suffix of the model name.")
    error: JobError | None = Field(default=None, description="Reason for status `failed`.")
    eval_id: str | None = Field(
        default=None, description="Id of the evaluation created by reinforcement fine-tuning."
    )
    shared_with_openai: bool | None = Field(
        default=None, description="Whether the data is shared with OpenAI."
    )
    usage_metrics: Any = Field(default=None, description="Usage of the training, if the service reports it.")

    @property
    def is_terminal(self) -> bool:
        """Return whether the job has finished. A job with an unknown status has not."""
        return self.status in TERMINAL_STATUSES

    @property
    def requested_suffix(self) -> str | None:
        """Return the requested suffix of the model's name. Nebius returns it in the field `suffix`."""
        suffix = self.user_provided_suffix or (self.model_extra or {}).get("suffix")
        return suffix if isinstance(suffix, str) else None

    def duration(self, now: float) -> int | None:
        """Return the seconds from creation until the job ended, or until now if it has not. None if unknown."""
        end = self.finished_at if self.is_terminal else int(now)
        return max(0, end - self.created_at) if end is not None and self.created_at else None


class Event(APIObject):
    """An entry in the log of a job (`GET /fine_tuning/jobs/{id}/events`)."""

    created_at: int | None = Field(default=None, description="Time of the event, in Unix seconds.")
    level: str | EventLevel = Field(default="info", description="`info`, `warn` or `error`.")
    message: str = Field(default="", description="Human-readable message.")
    type: str | EventType | None = Field(
        default=None, description="`message`, `metrics`, `moderation_checks` or another type."
    )
    data: dict[str, Any] | None = Field(default=None, description="Data of the event, such as metrics.")


class Checkpoint(APIObject):
    """A snapshot of the model after a training step (`GET /fine_tuning/jobs/{id}/checkpoints`)."""

    created_at: int | None = Field(default=None, description="Time of creation, in Unix seconds.")
    fine_tuned_model_checkpoint: str = Field(
        description="Name of the checkpoint, `ft:…`, for using and sharing it."
    )
    fine_tuning_job_id: str | None = Field(
        default=None, description="Id of the job that created the checkpoint."
    )
    step_number: int | None = Field(default=None, description="Training step of the checkpoint.")
    metrics: dict[str, float | None] = Field(
        default_factory=dict,
        description="Metrics at that step, such as `train_loss` and `full_valid_loss`.",
    )


class Permission(APIObject):
    """A project's permission to use a checkpoint (`GET /fine_tuning/checkpoints/{name}/permissions`)."""

    created_at: int | None = Field(default=None, description="Time of the grant, in Unix seconds.")
    project_id: str = Field(description="Id of the project that may use the checkpoint, `proj_…`.")


class Model(APIObject):
    """A model (`GET /models/{id}`)."""

    created: int | None = Field(default=None, description="Time of creation, in Unix seconds.")
    owned_by: str | None = Field(
        default=None, description="`system`, or the organization that owns the model."
    )
    shutdown_date: str | None = Field(
        default=None,
        description="Shutdown date, `YYYY-MM-DD`, or None if the service has not announced a date.",
    )

    @classmethod
    def _renamed(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """Return `created_at`, as Azure names the time of creation, as `created`."""
        return {**raw, "created": raw.get("created_at")} if raw.get("created") is None else raw
