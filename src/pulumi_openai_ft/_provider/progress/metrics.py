"""The metrics of a training step that the status line displays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._metrics.event_metrics import parse_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._client.objects import Event
    from pulumi_openai_ft._metrics.event_metrics import EventMetrics

_DISPLAYED = {
    "training": ("train_loss", "train_reward"),
    "validation": ("full_valid_loss", "full_valid_reward", "valid_loss", "valid_reward"),
}
"""The metrics to display, in order of precedence."""


class MetricValue(NamedTuple):
    """A metric of a training step. Comparing two values finds the later value.

    Attributes:
        at: Time of the event in Unix seconds.
        step: The step.
        value: The value.
        kind: `loss` or `reward`, otherwise empty.
    """

    at: int
    step: int
    value: float
    kind: str = ""


def displayed_metrics(event: Event) -> dict[str, MetricValue]:
    """Return the metrics `step`, `steps` (total), `training` and `validation`, as far as the event contains them.

    Validation with the full data takes precedence over validation with a part. The result is empty if the event does
    not belong to a training step.
    """
    found = parse_metrics(event)
    return dict(_displayed(found)) if found else {}


def _displayed(found: EventMetrics) -> Iterator[tuple[str, MetricValue]]:
    at, step, measured = found.at, found.metrics.step, found.metrics.measured
    yield "step", MetricValue(at, step, step)
    if found.total_steps:
        yield "steps", MetricValue(at, step, found.total_steps)
    for label, names in _DISPLAYED.items():
        if name := next((name for name in names if name in measured), None):
            yield label, MetricValue(at, step, measured[name], name.rpartition("_")[2])
