"""Figures of training steps, out of a job's events.

Services write into events what they like, and in words of their own: what cannot be read is left out.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft._client.objects import Event

HIGHEST = 1e12
"""No step, loss or reward is larger."""

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
    """A figure of a training step. The larger one is the later one.

    Attributes:
        at: Unix seconds of its event.
        step: The step.
        value: The figure.
        kind: `loss` or `reward`, where it is one.
    """

    at: int
    step: float
    value: float
    kind: str = ""


def parse_metrics(event: Event) -> dict[str, MetricValue]:
    """The figures `step`, `steps` (in all), `training` and `validation`, as far as the event tells them.

    None comes of an event that is no step's. The data counts more than the message, validation with all the data more
    than with a part.

    Args:
        event: An event of any type; that of a step has the type `metrics` or begins as `Step 3/10: training loss=…`.
    """
    place = _STEP.search(event.message)
    if not place and event.type != "metrics":
        return {}
    said = {"step": place[1], "total_steps": place[2]} if place else {}
    data = event.data or {}
    numbers = {
        **_numbers(said),
        **_numbers(_losses(event.message)),
        **_numbers(data.get("scores")),
        **_numbers(data),
    }
    step = numbers.get("step", -1)
    return dict(_named(numbers, event.created_at, step)) if step >= 0 else {}


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
    for figure, names in _NAMES.items():
        if name := next((name for name in names if name in numbers), None):
            kind = next((kind for kind in ("loss", "reward") if kind in name), "")
            yield figure, MetricValue(at, step, numbers[name], kind)
