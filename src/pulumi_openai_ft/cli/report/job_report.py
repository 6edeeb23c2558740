"""All that the report shows about a job, read from the service and the stack's state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.event_order import newest_first
from pulumi_openai_ft._client.refusals import missing_list
from pulumi_openai_ft._metrics.event_metrics import metrics_of_events
from pulumi_openai_ft._metrics.reading import read_result_files
from pulumi_openai_ft._metrics.steps import by_step
from pulumi_openai_ft._provider.job.state import outputs
from pulumi_openai_ft.cli.look.text import one_line
from pulumi_openai_ft.cli.report.curves import Mark
from pulumi_openai_ft.cli.report.data_files import read_data_file
from pulumi_openai_ft.cli.report.secret_values import (
    hiding_texts_of,
    public_checkpoint,
    public_end,
    public_event,
    public_job,
)
from pulumi_openai_ft.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Checkpoint, Event, Job
    from pulumi_openai_ft._metrics.steps import StepMetrics
    from pulumi_openai_ft.cli.report.data_files import DataFile, Part
    from pulumi_openai_ft.cli.report.stack_facts import Properties, StackFacts


@dataclass(frozen=True)
class JobReport:
    """A job with everything that is known about it.

    Attributes:
        label: Name of the job in this report, unique in it.
        job: The job.
        outputs: The job as the outputs of a `FineTuningJob`, with resolved hyperparameters.
        requested: Inputs in the stack's state, or None if the job is not in it.
        recorded: Outputs in the stack's state; empty if the job is not in it.
        rows: Metrics of its steps, by step.
        checkpoints: Its checkpoints, by step.
        events: Its events, oldest first.
        files: Its data files.
        missing: Sentences about features that the service lacks.
    """

    label: str
    job: Job
    outputs: Properties
    requested: Properties | None
    recorded: Properties
    rows: tuple[StepMetrics, ...]
    checkpoints: tuple[Checkpoint, ...]
    events: tuple[Event, ...]
    files: tuple[DataFile, ...]
    missing: tuple[str, ...]

    @property
    def marks(self) -> list[Mark]:
        """Return the checkpoints whose step is known, for the charts."""
        return [
            Mark(self.label, checkpoint.step_number, one_line(checkpoint.fine_tuned_model_checkpoint))
            for checkpoint in self.checkpoints
            if checkpoint.step_number is not None
        ]


def read_reports(client: Client, jobs: Sequence[Job], facts: StackFacts) -> list[JobReport]:
    """Return the reports on jobs.

    Args:
        client: The client.
        jobs: The jobs.
        facts: Facts from the state of the stack.

    Raises:
        RequestError: The service does not respond, or returns an error other than that it lacks a feature.
    """
    shown = [public_job(job, facts.secrets_of(job)) for job in jobs]
    return [
        _read(client, job, public, label, facts)
        for job, public, label in zip(jobs, shown, labels(shown), strict=True)
    ]


def labels(jobs: Sequence[Job]) -> list[str]:
    """Return a unique name for each job: its suffix, its id, or both."""
    names = [one_line(job.requested_suffix or job.id) for job in jobs]
    counts = Counter(names)
    return [
        name if counts[name] == 1 or name == job.id else f"{name} ({job.id})"
        for name, job in zip(names, jobs, strict=True)
    ]


def _read(client: Client, job: Job, public: Job, label: str, facts: StackFacts) -> JobReport:
    """Return the report on a job of which only the public values are shown."""
    with hiding_texts_of(job, facts.secrets_of(job)):
        return _read_public(client, public_end(public), label, facts)


def _read_public(client: Client, job: Job, label: str, facts: StackFacts) -> JobReport:
    missing: list[str] = []
    events = _optional(client, "events", lambda: client.events(job.id, unreadable=[]), missing)
    checkpoints = _optional(client, "checkpoints", lambda: client.checkpoints(job.id, unreadable=[]), missing)
    rows = _rows(client, job, events, missing)
    requested = facts.requested.get(job.id)
    return JobReport(
        label,
        job,
        outputs(job, requested or {}),
        requested,
        facts.jobs.get(job.id, {}),
        rows,
        tuple(map(public_checkpoint, reversed(checkpoints))),
        tuple(map(public_event, reversed(newest_first(events)))),
        tuple(_files(client, job, facts)),
        tuple(dict.fromkeys(missing)),
    )


def _rows(client: Client, job: Job, events: Sequence[Event], missing: list[str]) -> tuple[StepMetrics, ...]:
    """Return the metrics of the result files, completed by those of the events, which may have more metrics or fewer steps."""
    found = read_result_files(client, job)
    missing.extend(found.missing)
    return tuple(by_step([*metrics_of_events(events), *found.rows]))


def _optional(
    client: Client, feature: str, read: Callable[[], Iterable[Any]], missing: list[str]
) -> list[Any]:
    """Return the items of a list that some services lack. If this service does, add a sentence to `missing`."""
    profile = client.settings.profile
    if not profile.supports(feature):
        missing.append(profile.lacks_message(feature))
        return []
    try:
        return list(read())
    except ServiceError as error:
        if not (reason := missing_list(error, profile, feature)):
            raise
        missing.append(reason)
    return []


def _files(client: Client, job: Job, facts: StackFacts) -> Iterable[DataFile]:
    parts: tuple[tuple[Part, str | None], ...] = (
        ("training", job.training_file),
        ("validation", job.validation_file),
    )
    for part, file_id in parts:
        if file_id:
            data = read_data_file(client, part, file_id, facts.files.get(file_id), job.model)
            has_secret_name = "filename" in facts.secrets.get(file_id, ())
            yield replace(data, filename=None) if has_secret_name else data
