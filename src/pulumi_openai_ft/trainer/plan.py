"""Sizes of a training run that follow from its request and its rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

LARGEST_MICRO_BATCH = 4  # rows in memory at once; larger batches accumulate gradients


@dataclass(frozen=True)
class Plan:
    """The steps of a run.

    Attributes:
        rows: Number of training rows.
        epochs: Number of times that each row is trained.
        batch_size: Rows per step.
        tokens_per_epoch: Tokens that the model reads per epoch.
    """

    rows: int
    epochs: int
    batch_size: int
    tokens_per_epoch: int

    @property
    def steps_per_epoch(self) -> int:
        """Return the number of steps per epoch. The last step of an epoch may have fewer rows."""
        return ceil(self.rows / self.batch_size)

    @property
    def total_steps(self) -> int:
        """Return the number of steps."""
        return self.steps_per_epoch * self.epochs

    @property
    def trained_tokens(self) -> int:
        """Return the number of tokens that the model reads in the whole run."""
        return self.tokens_per_epoch * self.epochs

    @property
    def micro_batch(self) -> int:
        """Return the rows per forward pass: the largest divisor of the batch size that fits."""
        return next(size for size in range(LARGEST_MICRO_BATCH, 0, -1) if self.batch_size % size == 0)

    @property
    def validation_interval(self) -> int:
        """Return the number of steps between two losses on a batch of the validation file: four per epoch."""
        return max(1, self.steps_per_epoch // 4)

    def ends_epoch(self, step: int) -> bool:
        """Return whether an epoch ends with a step."""
        return step > 0 and step % self.steps_per_epoch == 0
