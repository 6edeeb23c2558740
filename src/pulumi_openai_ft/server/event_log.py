"""The events of jobs. The store has one row for thousands of steps, which are expanded into events when read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.ids import event_id, event_position
from pulumi_openai_ft.server.records import Job, Span
from pulumi_openai_ft.server.store import Store, created_before, unknown_cursor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pulumi_openai_ft.server.runner import Runner, TrainingRequest

_LOSSES = {
    "training loss": "train_loss",
    "validation loss": "valid_loss",
    "full validation loss": "full_valid_loss",
    "training reward": "train_mean_reward",
    "full validation reward": "full_valid_mean_reward",
}


@dataclass(frozen=True)
class Event:
    """An event of a job. `data` contains the metrics of a step and is empty for messages."""

    id: str
    created_at: float
    level: str
    message: str
    data: dict[str, float]

    @property
    def kind(self) -> str:
        """Return the event's type in the API."""
        return "metrics" if self.data else "message"


class History:
    """The events of all jobs."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self._store = store
        self._runner = runner

    def add(self, job: Job, at: float, message: str, *, level: str = "info") -> Job:
        """Add a message. Return the job with updated counters."""
        return self._add(job, at, at, 1, {"level": level, "message": message})

    def measured(self, job: Job, until: float, step: int, total_steps: int) -> Job:
        """Add the metrics of all steps after the job's last step, up to and including `step`."""
        count = step - job.steps
        facts = {"first_step": job.steps + 1, "total_steps": total_steps}
        return replace(self._add(job, job.last_event_at, until, count, facts), steps=step)

    def page(
        self, job: Job, order: TrainingRequest, *, after: str | None, limit: int, as_of: float
    ) -> tuple[list[Event], bool]:
        """Return a page of events, newest first, and whether older events exist."""
        last = job.events if after is None else self._position(job, after) - 1
        older = ("first <= ?", (last,))
        spans = self._store.spans.find(
            {"job": job.id}, older, created_before(as_of), newest_first=True, limit=limit + 1
        )
        places = list(islice(_places(spans, last), limit + 1))
        steps = [step for span, position in places if (step := _step(span, position)) is not None]
        measured = dict(zip(steps, self._runner.metrics(order, steps), strict=True)) if steps else {}
        events = [_event(span, position, measured) for span, position in places[:limit]]
        return events, len(places) > limit

    def _add(self, job: Job, at: float, until: float, count: int, facts: dict[str, Any]) -> Job:
        start = max(at, job.last_event_at)
        until = max(until, start)
        first = job.events + 1
        self._store.spans.add(
            Span(
                id=f"{job.id}/{first}",
                job=job.id,
                created_at=start,
                until=until,
                first=first,
                count=count,
                **facts,
            )
        )
        return replace(job, events=job.events + count, last_event_at=until)

    def _position(self, job: Job, after: str) -> int:
        position = event_position(job.id, after)
        if position is None or not 1 <= position <= job.events:
            raise unknown_cursor(after)
        return position


def _places(spans: Iterable[Span], last: int) -> Iterator[tuple[Span, int]]:
    """Yield the span and position of each event up to position `last`, newest first."""
    for span in spans:
        for position in range(min(last, span.first + span.count - 1), span.first - 1, -1):
            yield span, position


def _step(span: Span, position: int) -> int | None:
    """Return the training step of an event, or None if the event is a message."""
    return None if span.first_step is None else span.first_step + position - span.first


def _event(span: Span, position: int, measured: Mapping[int, dict[str, float]]) -> Event:
    step = _step(span, position)
    if step is None:
        return Event(event_id(span.job, position), span.created_at, span.level, span.message or "", {})
    at = span.created_at + (span.until - span.created_at) * (position - span.first + 1) / span.count
    return Event(event_id(span.job, position), at, span.level, _sentence(measured[step]), measured[step])


def _sentence(data: dict[str, float]) -> str:
    values = [f"{name}={data[key]:.2f}" for name, key in _LOSSES.items() if key in data]
    return f"Step {data['step']}/{data['total_steps']}: {', '.join(values)}"
