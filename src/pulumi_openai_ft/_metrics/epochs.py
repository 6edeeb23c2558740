"""Validation losses of the epochs of a job."""

from __future__ import annotations

from math import ceil
from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._metrics.steps import StepMetrics


def validation_losses(rows: Sequence[StepMetrics], n_epochs: int | None) -> list[float]:
    """Return the validation loss of each epoch, as far as it was measured.

    This is the loss of the whole validation file, or else the mean of the batches of an epoch: the loss of a single
    batch varies too much for a comparison.

    Args:
        rows: The metrics of all steps of a job, sorted by step.
        n_epochs: Number of epochs, or None if unknown. Without it, batches cannot be assigned to epochs.
    """
    whole = [row.full_valid_loss for row in rows if row.full_valid_loss is not None]
    if whole or not rows or not n_epochs:
        return whole
    last = max(1, rows[-1].step)
    by_epoch: dict[int, list[float]] = {}
    for row in rows:
        if row.valid_loss is not None:
            by_epoch.setdefault(ceil(row.step * n_epochs / last), []).append(row.valid_loss)
    return [fmean(by_epoch[epoch]) for epoch in sorted(by_epoch)]
