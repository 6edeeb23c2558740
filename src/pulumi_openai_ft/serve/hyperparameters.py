"""The rule for hyperparameters that are `auto`. docs/self-hosting.md documents it."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCHS = 3
LEARNING_RATE_MULTIPLIER = 1.0
BETA = 0.1
BATCH_SIZES = ((1_000, 4), (10_000, 8))
"""Batch size of files with fewer rows than the first number."""
LARGEST_BATCH_SIZE = 16


def resolve(given: Mapping[str, Any], *, method: str, rows: int, workers: int = 1) -> dict[str, Any]:
    """Return hyperparameters as numbers.

    Args:
        given: Numbers, or "auto".
        method: supervised or dpo.
        rows: Number of rows of the training file.
        workers: Number of workers of a training run, which share each batch evenly.
    """
    automatic = {
        "n_epochs": EPOCHS,
        "batch_size": workers * ceil(min(rows, _batch_size(rows)) / workers),
        "learning_rate_multiplier": LEARNING_RATE_MULTIPLIER,
        **({"beta": BETA} if method == "dpo" else {}),
    }
    return {
        name: value if (chosen := given.get(name, "auto")) == "auto" else chosen
        for name, value in automatic.items()
    }


def _batch_size(rows: int) -> int:
    return next((size for limit, size in BATCH_SIZES if rows < limit), LARGEST_BATCH_SIZE)


def uneven_batch_message(size: int | str, workers: int, largest: int) -> str | None:
    """Return why workers cannot share batches of a size evenly, with the sizes that they can share. None if they can.

    Args:
        size: Requested number of rows per batch, or "auto".
        workers: Number of workers of a training run.
        largest: Largest size of a batch.
    """
    if isinstance(size, str) or size % workers == 0:
        return None
    sizes = range(workers, largest + 1, workers)
    return (
        f"The {workers} workers of a training run cannot share a batch of {size} examples evenly. Sizes that divide "
        f"evenly: {', '.join(map(str, sizes))}."
    )
