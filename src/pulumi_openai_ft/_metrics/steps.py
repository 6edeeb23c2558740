"""The metrics of a training step, and the names that services give them in events, result files and checkpoints."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIGHEST = 1e12
"""Upper limit of a plausible step, loss or reward."""


class StepMetrics(BaseModel):
    """The metrics of a training step. A metric that was not measured at this step is None."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, defer_build=True, protected_namespaces=())

    step: int = Field(description="Training step, usually counted from 1.")
    train_loss: float | None = Field(
        default=None, description="Loss of the training batch: mean cross-entropy per token, lower is better."
    )
    train_accuracy: float | None = Field(
        default=None,
        description="Share of the training batch's tokens that were predicted correctly, 0 to 1.",
    )
    valid_loss: float | None = Field(
        default=None, description="Loss of a batch of the validation file, lower is better."
    )
    valid_accuracy: float | None = Field(
        default=None, description="Share of correct tokens in a batch of the validation file, 0 to 1."
    )
    full_valid_loss: float | None = Field(
        default=None,
        description="Loss of the whole validation file, usually measured at the end of an epoch, lower is better.",
    )
    full_valid_accuracy: float | None = Field(
        default=None, description="Share of correct tokens in the whole validation file, 0 to 1."
    )
    train_reward: float | None = Field(
        default=None, description="Mean reward of the training batch in reinforcement, higher is better."
    )
    valid_reward: float | None = Field(
        default=None, description="Mean reward of a part of the validation file, higher is better."
    )
    full_valid_reward: float | None = Field(
        default=None, description="Mean reward of the whole validation file, higher is better."
    )

    @property
    def measured(self) -> dict[str, float]:
        """Return the metrics that were measured at this step, without the step."""
        found: dict[str, float] = self.model_dump(exclude={"step"}, exclude_none=True)
        return found


METRICS = tuple(name for name in StepMetrics.model_fields if name != "step")
"""Names of the metrics."""

_LONG_WORDS = (("training", "train"), ("validation", "valid"))
_OTHER_NAMES = {
    "accuracy": ("mean_token_accuracy", "token_accuracy"),
    "reward": ("mean_reward", "reward_mean"),
}
_SPLITS = ("train", "valid", "full_valid")
_METRIC_OF_NAME = {
    f"{split}_{other}": f"{split}_{kind}"
    for kind, others in _OTHER_NAMES.items()
    for other in others
    for split in _SPLITS
}


def step_metrics(given: Mapping[str, object]) -> StepMetrics | None:
    """Return the metrics of a step from values with the names of any service, or None if they contain no step.

    Unknown names are ignored, and so are values that are not plausible numbers. The first of several names of a metric
    counts.
    """
    named: dict[str, float] = {}
    for name, value in given.items():
        if (number := plausible_number(value)) is not None:
            named.setdefault(metric_name(name), number)
    step = named.pop("step", -1.0)
    if step < 0 or step != int(step):
        return None
    return StepMetrics(step=int(step), **{name: named[name] for name in METRICS if name in named})


def metric_name(name: str) -> str:
    """Return the name of a metric in `StepMetrics` for a service's name, or the name in lower case if it is unknown."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.strip().lower())
    for long, short in _LONG_WORDS:
        plain = plain.replace(long, short)
    return _METRIC_OF_NAME.get(plain, plain)


def plausible_number(value: object) -> float | None:
    """Return a number, also from its text, or None if it is not finite, too large, or not a number."""
    with suppress(OverflowError, TypeError, ValueError):
        if not isinstance(value, bool) and abs(number := float(value)) <= HIGHEST:  # type: ignore[arg-type]
            return number
    return None


def by_step(rows: Iterable[StepMetrics]) -> list[StepMetrics]:
    """Return one row per step, sorted by step.

    Args:
        rows: Rows in the order in which they were measured. A resumed job repeats steps: the later value of a metric
            counts.
    """
    found: dict[int, StepMetrics] = {}
    for row in rows:
        earlier = found.get(row.step)
        found[row.step] = row if earlier is None else earlier.model_copy(update=row.measured)
    return [found[step] for step in sorted(found)]
