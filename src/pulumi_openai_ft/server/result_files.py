"""The result file of a finished job: a CSV text with a row per step. Source: docs/openai-api.md#result-files."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LOSSES = ("train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy")
_FULL_LOSSES = ("full_valid_loss", "full_valid_mean_token_accuracy")


@dataclass(frozen=True)
class ResultFormat:
    """The form of a service's result files.

    Attributes:
        metrics: Metrics of the columns after `step`, with the names of the API's events.
        reward_metrics: The same for reinforcement jobs. No real file was available, so they are those of the events.
        column_names: Names of columns, if different from those of the metrics.
        is_base64: Whether the CSV text is encoded in base64.
    """

    metrics: tuple[str, ...]
    column_names: Mapping[str, str]
    reward_metrics: tuple[str, ...] = ("train_mean_reward", "full_valid_mean_reward")
    is_base64: bool = True

    def content(self, rows: Iterable[Mapping[str, float | None]], *, has_rewards: bool) -> bytes:
        """Return the result file for the metrics of all steps, with empty cells for metrics that were not measured."""
        metrics = ("step", *(self.reward_metrics if has_rewards else self.metrics))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.column_names.get(metric, metric) for metric in metrics)
        writer.writerows([row.get(metric) for metric in metrics] for row in rows)
        content = text.getvalue().encode()
        return b64encode(content) if self.is_base64 else content


OPENAI = ResultFormat(_LOSSES, {"train_mean_token_accuracy": "train_accuracy"})
AZURE = ResultFormat(
    (*_LOSSES, *_FULL_LOSSES),
    {"valid_mean_token_accuracy": "validation_mean_token_accuracy"},
    is_base64=False,
)
SELF_HOSTED = ResultFormat((*_LOSSES, *_FULL_LOSSES), {"train_mean_token_accuracy": "train_accuracy"})
"""OpenAI's columns, and the validations of all rows."""
