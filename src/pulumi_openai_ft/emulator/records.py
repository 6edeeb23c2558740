"""What the store keeps. Times are unix seconds with fractions; the wire shows whole ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Record:
    """What every kept thing has. A deleted one stays as a row, so that it still serves as a page's cursor."""

    id: str
    created_at: float
    deleted_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class File(Record):
    """A file; its bytes lie in the blobs under its id."""

    project: str
    filename: str
    purpose: str
    bytes: int
    expires_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Upload(Record):
    """A file that arrives in parts; `file_seconds` is how long the file lives, counted from its creation."""

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
    """A part of an upload; its bytes lie in the blobs under its id."""

    upload: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Job(Record):
    """A job. `base` is the model without `ft:` parts; `method` holds the hyperparameters, resolved once it runs.

    `events` and `steps` count what its history holds so far, `last_event_at` dates the newest.
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


@dataclass(frozen=True, kw_only=True)
class Span(Record):
    """A stretch of a job's history: one message, or the metrics of `count` steps in a row.

    `first` is the place of its first event, counted from 1; its events are spread evenly from `created_at` to `until`.
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
    """A model as it stood after a step; `name` is what a program calls."""

    job: str
    project: str
    base: str
    name: str
    step: int
    metrics: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Permission(Record):
    """A project's right to use a checkpoint."""

    checkpoint: str
    project: str


@dataclass(frozen=True, kw_only=True)
class Model(Record):
    """A fine-tuned model; its id is its name."""

    project: str
    base: str
    job: str


@dataclass(frozen=True, kw_only=True)
class Note(Record):
    """A runner's own notes on a job, kept under the job's id."""

    content: dict[str, Any]
