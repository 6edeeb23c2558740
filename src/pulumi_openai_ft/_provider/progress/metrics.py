"""Metrics of training steps, parsed from a job's events.

Services use different names and formats for metrics. Values that cannot be parsed are ignored.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft._client.objects import Event

HIGHEST = 1e12
"""Upper limit of a plausible step, loss or reward."""

_NAMES = {
    "step": ("step",),
    "steps": ("total_steps",),
    "training": ("train_loss", "train_mean_reward", "train_reward_mean", "train_reward"),
    "validation": (
        *("full_valid_loss", "full_valid_mean_reward", "full_valid_reward"),
        *("valid_loss", "valid_reward_mean", "valid_reward"),
    ),
}
_STEP = re.compile(r"\bstep\s+(\d{1,12})\s*(?:/|of)\s*(\d{1,12})", re.IGNORECASE)
_VALUE = re.compile(r"\b(full )?(train|valid)[a-z]*[ _](loss|reward)[\s=:]+([-+.\de]+)", re.IGNORECASE)


class MetricValue(NamedTuple):
    """A metric of a training step. Comparing two values finds the later value.

    Attributes:
        at: Time of the event in Unix seconds.
        step: The step.
        value: The value.
        kind: `loss` or `reward`, otherwise empty.
    """

    at: int
    step: float
    value: float
    kind: str = ""


def parse_metrics(event: Event) -> dict[str, MetricValue]:
    """Return the metrics `step`, `steps` (total), `training` and `validation`, as far as the event contains them.

    The event's data takes precedence over its message, and validation with the full data over validation with a
    part. The result is empty if the event does not belong to a training step.

    Args:
        event: An event of any type. The event of a training step has the type `metrics` or a message such as
            `Step 3/10: training loss=…`.
    """
    position = _STEP.search(event.message)
    if not position and event.type != "metrics":
        return {}
    steps = {"step": position[1], "total_steps": position[2]} if position else {}
    data = event.data or {}
    numbers = {
        **_numbers(steps),
        **_numbers(_losses(event.message)),
        **_numbers(data.get("scores")),
        **_numbers(data),
    }
    step = numbers.get("step", -1)
    return dict(_named(numbers, event.created_at or 0, step)) if step >= 0 else {}


def _losses(message: str) -> dict[str, str]:
    found = _VALUE.findall(message)
    return {f"{full and 'full_'}{split}_{kind}".lower(): value for full, split, kind, value in found}


def _numbers(given: object) -> dict[str, float]:
    numbers = {}
    for name, value in given.items() if isinstance(given, dict) else ():
        with suppress(OverflowError, TypeError, ValueError):
            if abs(number := float(value)) <= HIGHEST and not isinstance(value, bool):
                numbers[name] = number
    return numbers


def _named(numbers: Mapping[str, float], at: int, step: float) -> Iterator[tuple[str, MetricValue]]:
    for metric, names in _NAMES.items():
        if name := next((name for name in names if name in numbers), None):
            kind = next((kind for kind in ("loss", "reward") if kind in name), "")
            yield metric, MetricValue(at, step, numbers[name], kind)
