"""A job as `openai-ft watch` last read it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pulumi_openai_ft._metrics.event_metrics import metrics_of_events, parse_metrics
from pulumi_openai_ft._metrics.reading import read_metrics
from pulumi_openai_ft._metrics.steps import by_step
from pulumi_openai_ft._provider.progress.job_progress import JobProgress, Position
from pulumi_openai_ft.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Event, Job
    from pulumi_openai_ft._metrics.steps import StepMetrics
    from pulumi_openai_ft._shared.clock import TimeSource
    from pulumi_openai_ft.cli.look.following import Update

MOST_EVENTS = 100
"""Number of latest events that can be shown."""


@dataclass(frozen=True)
class Snapshot:
    """The facts about a job that are shown.

    Attributes:
        job: The job.
        position: Step of the training, or None before the first step.
        elapsed: Time from the creation of the job until its end, or until now; empty if unknown.
        left: Estimated time until it ends, empty if unknown.
        rows: Metrics of the steps, by step.
        events: Latest events, oldest first, without the reports of steps.
        notes: Sentences about features that the service lacks, and about an outage.
    """

    job: Job
    position: Position | None = None
    elapsed: str = ""
    left: str = ""
    rows: Sequence[StepMetrics] = ()
    events: Sequence[Event] = ()
    notes: Sequence[str] = ()

    def latest(self, metric: str) -> float | None:
        """Return the last value of a metric, or None if it was never measured."""
        values = (getattr(row, metric) for row in reversed(self.rows))
        return next((value for value in values if value is not None), None)


@dataclass(slots=True)
class History:
    """All that was read of a job since watching began.

    Attributes:
        api: The client.
        progress: Progress of the job.
    """

    api: Client
    progress: JobProgress
    _rows: list[StepMetrics] = field(default_factory=list)
    _events: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    _missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, api: Client, job: Job, timing: TimeSource) -> History:
        """Return the history of a job of which nothing was read yet."""
        return cls(api, JobProgress(job.id, timing))

    def add(self, update: Update) -> Snapshot:
        """Add an update and return the facts about the job."""
        newest_first = update.events[::-1]
        self.progress.update(update.job, newest_first)
        self._events.extend(event for event in update.events if not _is_step(event))
        self._rows = by_step([*self._rows, *metrics_of_events(newest_first)])
        if update.job.is_terminal and not self._rows and not update.outage:
            self._read_final_metrics(update.job)
        return self._snapshot(update)

    def _read_final_metrics(self, job: Job) -> None:
        """Read the metrics of a job without events of steps from its result files, once it has ended."""
        try:
            found = read_metrics(self.api, job)
        except RequestError as error:
            self._missing = (f"the metrics cannot be read: {error}",)
        else:
            self._rows, self._missing = list(found.rows), found.missing

    def _snapshot(self, update: Update) -> Snapshot:
        notes = self._missing or ((update.missing,) if update.missing else ())
        outage = (f"trying again: {update.outage}",) if update.outage else ()
        return Snapshot(
            update.job,
            self.progress.position,
            self.progress.elapsed(),
            self.progress.left(),
            self._rows,
            list(self._events),
            (*notes, *outage),
        )


def _is_step(event: Event) -> bool:
    """Return whether an event only reports the metrics of a step, which the curves show."""
    return event.level == "info" and parse_metrics(event) is not None
