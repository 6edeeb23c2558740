"""The result file of a finished job: a CSV text with a row per step. Source: docs/openai-api.md#result-files."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOSS_COLUMNS = ("step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy")
REWARD_COLUMNS = ("step", "train_mean_reward", "full_valid_mean_reward")
"""Columns of reinforcement jobs. No real file was available, so they are the metrics of the events."""

_METRIC_OF_COLUMN = {"train_accuracy": "train_mean_token_accuracy"}


def result_csv(rows: Iterable[Mapping[str, float | None]], columns: Iterable[str] = LOSS_COLUMNS) -> str:
    """Return the result file for the metrics of all steps, with empty cells for metrics that were not measured."""
    metrics = [_METRIC_OF_COLUMN.get(column, column) for column in columns]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(metric) for metric in metrics] for row in rows)
    return text.getvalue()
