"""The records of the store. Times are Unix seconds with fractions; the API's objects have whole seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Record:
    """A record of the store. Deleted records remain as rows, so that clients can use their ids as page cursors."""

    id: str
    created_at: float
    deleted_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class File(Record):
    """A file. Its content is in the blobs under its id."""

    project: str
    filename: str
    purpose: str
    bytes: int
    expires_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Upload(Record):
    """A multipart upload. `file_seconds` is the lifetime of the resulting file, counted from its creation."""

    project: str
    filename: str
    purpose: str
    bytes: int
    mime_type: str
    expires_at: float
    file_seconds: int | None = None
    status: str = "pending"
    file: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part(Record):
    """A part of an upload. Its content is in the blobs under its id."""

    upload: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Job(Record):
    """A job.

    `base` is the base model, also if `model` is a fine-tuned model. `method` contains the hyperparameters, which are
    resolved when the job starts to run. `key` is the masked key that created the job. `events`, `steps` and `notices` are the numbers of events, steps and messages
    of the runner so far; `last_event_at` is the time of the newest event.
    """

    project: str
    model: str
    base: str
    training_file: str
    validation_file: str | None
    method: dict[str, Any]
    seed: int
    suffix: str | None = None
    metadata: dict[str, str] | None = None
    integrations: list[dict[str, Any]] | None = None
    status: str = "validating_files"
    error: dict[str, Any] | None = None
    estimated_finish: float | None = None
    finished_at: float | None = None
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    result_files: list[str] | None = None
    events: int = 0
    steps: int = 0
    last_event_at: float = 0.0
    notices: int = 0
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Span(Record):
    """A span of a job's events: one message, or the metrics of `count` consecutive steps.

    `first` is the position of its first event, counted from 1. Its events are spread evenly from `created_at` to
    `until`.
    """

    job: str
    first: int
    count: int
    until: float
    level: str = "info"
    message: str | None = None
    first_step: int | None = None
    total_steps: int | None = None


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Record):
    """A checkpoint of a model after a step. `name` is the name for using and sharing it."""

    job: str
    project: str
    base: str
    name: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Permission(Record):
    """A permission of a project to use a checkpoint."""

    checkpoint: str
    project: str


@dataclass(frozen=True, kw_only=True)
class Model(Record):
    """A fine-tuned model. Its id is its name."""

    project: str
    base: str
    job: str


@dataclass(frozen=True, kw_only=True)
class Note(Record):
    """The state of a runner for a job, under the job's id. `open` is whether the runner has work left."""

    content: dict[str, Any]
    open: bool = True
