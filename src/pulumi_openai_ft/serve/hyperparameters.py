"""The rule for hyperparameters that are `auto`. docs/self-hosting.md documents it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCHS = 3
LEARNING_RATE_MULTIPLIER = 1.0
BETA = 0.1
BATCH_SIZES = ((1_000, 4), (10_000, 8))
"""Batch size of files with fewer rows than the first number."""
LARGEST_BATCH_SIZE = 16


def resolve(given: Mapping[str, Any], *, method: str, rows: int) -> dict[str, Any]:
    """Return hyperparameters as numbers.

    Args:
        given: Numbers, or "auto".
        method: supervised or dpo.
        rows: Number of rows of the training file.
    """
    automatic = {
        "n_epochs": EPOCHS,
        "batch_size": min(rows, _batch_size(rows)),
        "learning_rate_multiplier": LEARNING_RATE_MULTIPLIER,
        **({"beta": BETA} if method == "dpo" else {}),
    }
    return {
        name: value if (chosen := given.get(name, "auto")) == "auto" else chosen
        for name, value in automatic.items()
    }


def _batch_size(rows: int) -> int:
    return next((size for limit, size in BATCH_SIZES if rows < limit), LARGEST_BATCH_SIZE)
