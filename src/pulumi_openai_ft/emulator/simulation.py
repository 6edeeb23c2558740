"""Training that is not: plans and curves with the shape of real ones, each step computed by itself.

Nothing here keeps state: the same seed gives the same curve after a restart, read in any order.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import ceil, exp, log
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_openai_ft.emulator.api_limits import LIMITS, RANGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.emulator.training_data import Summary

AUTO_LEARNING_RATE_MULTIPLIER = 1.8
AUTO_BETA = 0.1
AUTO_BATCH_SHARE = 0.002  # of the rows; OpenAI does not publish its rule
KEPT_EPOCHS = 3

_TARGET_EPOCHS, _MAX_AUTO_EPOCHS = LIMITS["usual_default_epochs"], LIMITS["most_default_epochs"]
_MIN_TARGET_EXAMPLES = LIMITS["fewest_rows_in_default_epochs"]
_MAX_TARGET_EXAMPLES = LIMITS["most_rows_in_default_epochs"]
_MAX_BATCH: int = RANGES["batch_size"]["maximum"]
_DECAY = 3.5  # the curve falls by exp(-3.5), to 3 % of its height, over a whole job
_LOSS_COLUMNS = ("step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy")
_REWARD_COLUMNS = ("step", "train_mean_reward", "full_valid_mean_reward")


@dataclass(frozen=True)
class Plan:
    """A job's hyperparameters as numbers, and what follows from them.

    `trained_tokens` counts all epochs. `beta` is None for methods that have none.
    """

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    beta: float | None
    steps_per_epoch: int
    total_steps: int
    trained_tokens: int


class Step(NamedTuple):
    """The metrics of one step (counted from 1), under the names of the API's `metrics` events.

    `valid_…` is measured about ten times an epoch, `full_valid_…` at its end, both only with a validation file.
    Rewards are there for reinforcement only.
    """

    step: int
    total_steps: int
    train_loss: float
    train_mean_token_accuracy: float
    valid_loss: float | None = None
    valid_mean_token_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_mean_token_accuracy: float | None = None
    train_mean_reward: float | None = None
    full_valid_mean_reward: float | None = None


def plan_training(summary: Summary, hyperparameters: Mapping[str, Any]) -> Plan:
    """Resolves what is "auto", null or missing, as the service does when training starts.

    Epochs follow OpenAI's cookbook. `beta` is resolved where the key is there, so dpo passes it as "auto".
    """
    given = {key: value for key, value in hyperparameters.items() if value not in (None, "auto")}
    n_epochs = given.get("n_epochs", _auto_epochs(summary.examples))
    batch_size = given.get("batch_size", _auto_batch_size(summary.examples))
    steps_per_epoch = ceil(summary.examples / batch_size)
    return Plan(
        n_epochs=n_epochs,
        batch_size=batch_size,
        learning_rate_multiplier=given.get("learning_rate_multiplier", AUTO_LEARNING_RATE_MULTIPLIER),
        beta=given.get("beta", AUTO_BETA) if "beta" in hyperparameters else None,
        steps_per_epoch=steps_per_epoch,
        total_steps=steps_per_epoch * n_epochs,
        trained_tokens=summary.tokens * n_epochs,
    )


def _auto_epochs(examples: int) -> int:
    if examples * _TARGET_EPOCHS < _MIN_TARGET_EXAMPLES:
        return min(_MAX_AUTO_EPOCHS, _MIN_TARGET_EXAMPLES // examples)
    if examples * _TARGET_EPOCHS > _MAX_TARGET_EXAMPLES:
        return max(1, _MAX_TARGET_EXAMPLES // examples)
    return _TARGET_EPOCHS


def _auto_batch_size(examples: int) -> int:
    return min(_MAX_BATCH, max(1, round(examples * AUTO_BATCH_SHARE)))


def training_step(plan: Plan, step: int, *, seed: int, method: str, validation: bool) -> Step:
    """Computes one step of a job's curve; `validation` says whether the job has a validation file.

    Raises ValueError for a step outside 1..`plan.total_steps`.
    """
    if not 1 <= step <= plan.total_steps:
        raise ValueError(f"step {step} is not within 1..{plan.total_steps}")
    curve = _Curve(seed, method, step, (step - 1) / max(1, plan.total_steps - 1))
    ends_epoch = step % plan.steps_per_epoch == 0
    measured = validation and (ends_epoch or step % max(1, plan.steps_per_epoch // 10) == 0)
    train = curve.loss("train")
    valid = curve.loss("valid") if measured else None
    full = curve.loss("full") if validation and ends_epoch else None
    rewarded = method == "reinforcement"
    return Step(
        step=step,
        total_steps=plan.total_steps,
        train_loss=train,
        train_mean_token_accuracy=curve.accuracy(train),
        valid_loss=valid,
        valid_mean_token_accuracy=None if valid is None else curve.accuracy(valid),
        full_valid_loss=full,
        full_valid_mean_token_accuracy=None if full is None else curve.accuracy(full),
        train_mean_reward=curve.reward("train") if rewarded else None,
        full_valid_mean_reward=curve.reward("full") if rewarded and full is not None else None,
    )


class _Curve(NamedTuple):
    """The values at one moment of a job; `progress` runs from 0 to 1."""

    seed: int
    method: str
    step: int
    progress: float

    def loss(self, measured_on: str) -> float:
        start, end = _ends(self.seed, self.method)
        smooth = end + (start - end) * exp(-_DECAY * self.progress)
        spread = {"train": 0.08, "valid": 0.05, "full": 0.01}[measured_on]
        gap = 0.0 if measured_on == "train" else 0.08 * start * (0.4 + 0.6 * self.progress)
        return round(smooth * (1 + spread * self._noise(measured_on)) + gap, 4)

    def accuracy(self, loss: float) -> float:
        # For dpo it is the share of pairs put in the right order: exp(-ln 2) is the coin toss it starts from.
        steepness = 1.0 if self.method == "dpo" else 0.4
        return round(exp(-steepness * loss), 4)

    def reward(self, measured_on: str) -> float:
        start, end = 0.25 + 0.05 * _trait(self.seed, "low"), 0.8 + 0.1 * _trait(self.seed, "high")
        smooth = end - (end - start) * exp(-_DECAY * self.progress)
        handicap, spread = (0.0, 0.04) if measured_on == "train" else (0.03, 0.01)
        return round(smooth - handicap + spread * self._noise(f"{measured_on} reward"), 4)

    def _noise(self, name: str) -> float:
        return _hash_noise(f"{self.seed}:{name}:{self.step}")


@lru_cache(maxsize=1024)
def _ends(seed: int, method: str) -> tuple[float, float]:
    """The losses that a curve begins and ends with."""
    if method == "dpo":
        return log(2), 0.2 + 0.08 * _trait(seed, "end")
    return 2.2 + 0.4 * _trait(seed, "start"), 0.55 + 0.2 * _trait(seed, "end")


@lru_cache(maxsize=1024)
def _trait(seed: int, name: str) -> float:
    """What is the same at all steps of a job."""
    return _hash_noise(f"{seed}:{name}")


def _hash_noise(key: str) -> float:
    """Maps a key to a number in [-1, 1] that looks random and is the same in every process."""
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / (2**63 - 0.5) - 1


def checkpoint_steps(plan: Plan) -> list[int]:
    """The steps whose checkpoints are kept, ascending: the ends of the last three epochs."""
    first = max(1, plan.n_epochs - KEPT_EPOCHS + 1)
    return [epoch * plan.steps_per_epoch for epoch in range(first, plan.n_epochs + 1)]


def result_csv(plan: Plan, *, seed: int, method: str, validation: bool) -> str:
    """The text of a finished job's result file: one row a step, blank where nothing was measured.

    The columns are those seen in real result files; for reinforcement none were seen, so they are the events'.
    """
    columns = _REWARD_COLUMNS if method == "reinforcement" else _LOSS_COLUMNS
    row = attrgetter(*(_FIELD_OF_COLUMN.get(column, column) for column in columns))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(
        row(training_step(plan, number, seed=seed, method=method, validation=validation))
        for number in range(1, plan.total_steps + 1)
    )
    return text.getvalue()


_FIELD_OF_COLUMN = {"train_accuracy": "train_mean_token_accuracy"}
