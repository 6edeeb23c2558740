"""Metrics of training steps, parsed from a job's events.

Services use different names and formats for metrics. Values that cannot be parsed are ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._client.event_order import newest_first
from pulumi_openai_ft._metrics.steps import by_step, plausible_number, step_metrics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_openai_ft._client.objects import Event
    from pulumi_openai_ft._metrics.steps import StepMetrics

_STEP = re.compile(r"\bstep\s+(\d{1,12})\s*(?:/|of)\s*(\d{1,12})", re.IGNORECASE)
_VALUE = re.compile(
    r"\b((?:full )?(?:train|valid)[a-z]*[ _](?:loss|reward))[\s=:]+([-+.\de]+)", re.IGNORECASE
)


class EventMetrics(NamedTuple):
    """The metrics of the training step that an event reports.

    Attributes:
        at: Time of the event in Unix seconds, 0 if unknown.
        total_steps: Number of steps of the job, 0 if unknown.
        metrics: The step and its metrics.
    """

    at: int
    total_steps: int
    metrics: StepMetrics


def parse_metrics(event: Event) -> EventMetrics | None:
    """Return the metrics of an event, or None if the event does not belong to a training step.

    The event's data takes precedence over its message.

    Args:
        event: An event of any type. The event of a training step has the type `metrics` or a message such as
            `Step 3/10: training loss=…`.
    """
    position = _STEP.search(event.message)
    if not position and event.type != "metrics":
        return None
    data = event.data or {}
    scores = data.get("scores")
    reported = (
        data,
        scores if isinstance(scores, dict) else {},
        dict(_VALUE.findall(event.message)),
        {"step": position[1], "total_steps": position[2]} if position else {},
    )
    numbers: dict[str, float] = {}
    for values in reported:
        for name, value in values.items():
            if (number := plausible_number(value)) is not None:
                numbers.setdefault(name, number)
    metrics = step_metrics(numbers)
    if metrics is None:
        return None
    return EventMetrics(event.created_at or 0, int(numbers.get("total_steps", 0)), metrics)


def metrics_of_events(events: Iterable[Event]) -> list[StepMetrics]:
    """Return the metrics of the steps that events report, one row per step, sorted by step.

    Args:
        events: The events of a job, newest first, as the client returns them. If several report the same step, the later
            value of a metric counts.
    """
    parsed = map(parse_metrics, reversed(newest_first(events)))
    return by_step(found.metrics for found in parsed if found)
