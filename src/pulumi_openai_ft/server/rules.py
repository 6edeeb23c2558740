"""The rules in which services that implement the API differ. Source: docs/openai-api.md#other-services."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.result_files import OPENAI, ResultFormat

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

EVERYTHING = frozenset({"*"})
MODEL_FORM = "ft:{base}:{organization}:{suffix}:{tail}"


@dataclass(frozen=True)
class Rules:
    """The differences between a service and OpenAI. The defaults are OpenAI's rules.

    Attributes:
        service: Service in the catalog whose base models the mode has. A gateway passes requests on to OpenAI.
        key_header: HTTP header for the key. In `authorization`, the key is a bearer token.
        required_query: Query parameter that every request must have.
        absent: Globs of the routes that the service lacks.
        absent_status: HTTP status for these routes. The body does not have the API's error format.
        absent_page: Whether the body for these routes is an HTML page instead of JSON.
        model_form: Format of fine-tuned model names; see `ids.model_name` for the placeholders.
        checkpoint_prefix: Prefix of checkpoint ids.
        statuses: The service's names for job statuses, if different.
        keeps_metadata: Whether the service stores and returns a job's metadata.
        filters_by_metadata: Whether the job list supports the metadata filter. If not, the list ignores it.
        knows_tuned_models: Whether the model routes include fine-tuned models.
        lists_checkpoints: Whether the model routes include the checkpoints of jobs.
        refused_fields: Fields of the API that the service refuses for a new job.
        takes_any_method: Whether the service accepts methods and graders that the API does not have.
        body_fields: Additional fields that the service accepts for a new job; `*` accepts any.
        takes_any_hyperparameter: Whether the service accepts unknown hyperparameters and returns them.
        own_hyperparameters: Hyperparameters that the service overrides.
        answer_fields: Additional fields of job objects.
        omits_unfinished: Whether unfinished jobs have nulls and lack fields, and supervised jobs have no `method`.
        undecided: Value of a hyperparameter that the service has not chosen yet.
        created_status: HTTP status of a response to the creation of a file or job.
        model_time: Name of the time of creation in model objects.
        deletes_jobs: Whether the service can delete jobs.
        file_processing_seconds: Seconds until a new file has the status `processed`.
        unprocessed: Status of a file before that.
        hidden_fields: Fields of the API that job objects lack.
        renamed_fields: Names of fields of job objects, if different.
        shows_all_hyperparameters: Whether `hyperparameters` of a job object contains those of the method.
        reports_invalid_requests_like_fastapi: Whether an invalid request returns a 422 with FastAPI's body.
        result_format: Form of the result files.
        dates_every_end: Whether `finished_at` is also the time when a job failed or was cancelled.
    """

    service: str = "openai"
    key_header: str = "authorization"
    required_query: str | None = None
    absent: tuple[str, ...] = ()
    absent_status: int = 404
    absent_page: bool = False
    model_form: str = MODEL_FORM
    checkpoint_prefix: str = "ftckpt_"
    statuses: Mapping[str, str] = field(default_factory=dict)
    keeps_metadata: bool = True
    filters_by_metadata: bool = True
    knows_tuned_models: bool = True
    lists_checkpoints: bool = False
    refused_fields: frozenset[str] = frozenset()
    takes_any_method: bool = False
    body_fields: frozenset[str] = frozenset()
    takes_any_hyperparameter: bool = False
    own_hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    answer_fields: Mapping[str, Any] = field(default_factory=dict)
    omits_unfinished: bool = False
    undecided: str | int = "auto"
    created_status: int = 200
    model_time: str = "created"
    deletes_jobs: bool = False
    file_processing_seconds: float = 0.0
    unprocessed: str = "uploaded"
    hidden_fields: frozenset[str] = frozenset()
    renamed_fields: Mapping[str, str] = field(default_factory=dict)
    shows_all_hyperparameters: bool = False
    reports_invalid_requests_like_fastapi: bool = False
    result_format: ResultFormat = OPENAI
    dates_every_end: bool = False

    def has(self, route: str) -> bool:
        """Return whether the service has a route."""
        return not any(fnmatchcase(route, pattern) for pattern in self.absent)

    def takes(self, name: str, known: Collection[str]) -> bool:
        """Return whether the service accepts and ignores a field of a new job that the API does not define."""
        return name not in known and ("*" in self.body_fields or name in self.body_fields)
