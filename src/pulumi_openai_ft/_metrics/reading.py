"""Reading of a job's metrics: from its result files if the service returns them, otherwise from its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pulumi_openai_ft._client.refusals import missing_list, refuses_content
from pulumi_openai_ft._metrics.event_metrics import metrics_of_events
from pulumi_openai_ft._metrics.result_file import metrics_of_result_file
from pulumi_openai_ft._metrics.steps import by_step
from pulumi_openai_ft.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._metrics.steps import StepMetrics

MAX_RESULT_FILE_BYTES = 64 * 2**20
"""A result file has about 60 bytes per step, so that this is more than a million steps."""

Source = Literal["result_files", "events"]


@dataclass(frozen=True)
class Metrics:
    """The metrics of a job.

    Attributes:
        rows: The metrics, one row per step, sorted by step.
        source: Where the rows come from, or None if there are none.
        missing: Sentences that state why a source could not be read.
    """

    rows: tuple[StepMetrics, ...] = ()
    source: Source | None = None
    missing: tuple[str, ...] = ()


def read_metrics(client: Client, job: Job) -> Metrics:
    """Return the metrics of a job, with the source that they come from and the sources that the service lacks.

    Result files take one request each, events one request per 100 steps.

    Raises:
        ServiceConnectionError: No response arrived.
        ServiceError: The service returned an error, other than that it lacks events or the content of files.
    """
    found = read_result_files(client, job)
    if found.rows:
        return found
    missing = list(found.missing)
    rows = _rows_of_events(client, job, missing)
    return Metrics(tuple(rows), "events" if rows else None, tuple(missing))


def read_result_files(client: Client, job: Job) -> Metrics:
    """Return the metrics in the result files of a job, which take one request each. See `read_metrics` for errors."""
    missing: list[str] = []
    rows = by_step(row for file_id in job.result_files for row in _rows_of_file(client, file_id, missing))
    return Metrics(tuple(rows), "result_files" if rows else None, tuple(missing))


def _rows_of_file(client: Client, file_id: str, missing: list[str]) -> list[StepMetrics]:
    try:
        content = client.content(file_id, _bounded)
    except ServiceError as error:
        if not refuses_content(error):
            raise
        missing.append(f"the service does not return the content of the result file {file_id}")
        return []
    if content is None:
        missing.append(f"the result file {file_id} is larger than {MAX_RESULT_FILE_BYTES // 2**20} MiB")
        return []
    rows = metrics_of_result_file(content)
    if not rows:
        missing.append(f"the result file {file_id} contains no metrics of steps")
    return rows


def _bounded(parts: Iterator[bytes]) -> bytes | None:
    """Return the content, or None if it is larger than `MAX_RESULT_FILE_BYTES`."""
    content = bytearray()
    for part in parts:
        content += part
        if len(content) > MAX_RESULT_FILE_BYTES:
            return None
    return bytes(content)


def _rows_of_events(client: Client, job: Job, missing: list[str]) -> list[StepMetrics]:
    profile = client.settings.profile
    if not profile.supports("events"):
        missing.append(profile.lacks_message("events"))
        return []
    try:
        return metrics_of_events(client.events(job.id, unreadable=[]))
    except ServiceError as error:
        if not (reason := missing_list(error, profile, "events")):
            raise
        missing.append(reason)
        return []
