"""The choice of a job's best checkpoint by a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pulumi_openai_ft._metrics.steps import METRICS, step_metrics
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._client.objects import Checkpoint

CheckpointMetric = Literal[
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "full_valid_loss",
    "full_valid_accuracy",
    "train_reward",
    "valid_reward",
    "full_valid_reward",
]
"""Metrics by which checkpoints can be compared: those of `StepMetrics`."""


def best_checkpoint(job_id: str, checkpoints: Sequence[Checkpoint], by: CheckpointMetric) -> Checkpoint:
    """Return the checkpoint with the lowest loss, or the highest accuracy or reward. Of equal ones, the later counts.

    Raises:
        InputError: No checkpoint has the metric, or there are no checkpoints.
    """
    measured = [(checkpoint, metrics_of_checkpoint(checkpoint)) for checkpoint in checkpoints]
    values = [(metrics[by], checkpoint) for checkpoint, metrics in measured if by in metrics]
    if not values:
        known = {name for _, metrics in measured for name in metrics}
        raise InputError(f"best_checkpoint: {_reason(job_id, by, len(measured), known)}")
    sign = -1 if by.endswith("_loss") else 1
    return max(values, key=lambda value: (sign * value[0], value[1].step_number or 0))[1]


def metrics_of_checkpoint(checkpoint: Checkpoint) -> dict[str, float]:
    """Return the metrics of a checkpoint by their names in `StepMetrics`."""
    found = step_metrics({**checkpoint.metrics, "step": checkpoint.step_number or 0})
    return found.measured if found else {}


def _reason(job_id: str, by: str, count: int, known: set[str]) -> str:
    if not count:
        return f"job {job_id} has no checkpoints: a job has them once it has succeeded"
    names = ", ".join(name for name in METRICS if name in known)
    if not names:
        return f"no checkpoint of job {job_id} has metrics: choose one by its step with get_fine_tuning_checkpoints"
    needs_file = "valid" in by and "valid" not in names
    hint = "; validation metrics need a validation file" if needs_file else ""
    return f"no checkpoint of job {job_id} has the metric {by!r}: pass one of {names}{hint}"
