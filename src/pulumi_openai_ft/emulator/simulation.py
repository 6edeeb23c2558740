"""Simulated training: plans and loss curves that resemble real ones.

All functions are stateless and compute each step independently: the same seed produces the same curve, also after a
restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import ceil, exp, log
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_openai_ft.server.api_limits import LIMITS, RANGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft.server.training_data import Summary

AUTO_LEARNING_RATE_MULTIPLIER = 1.8
AUTO_BETA = 0.1
AUTO_BATCH_SHARE = 0.002  # of the number of rows; OpenAI does not publish its rule
KEPT_EPOCHS = 3

_TARGET_EPOCHS, _MAX_AUTO_EPOCHS = LIMITS["usual_default_epochs"], LIMITS["most_default_epochs"]
_MIN_TARGET_EXAMPLES = LIMITS["fewest_rows_in_default_epochs"]
_MAX_TARGET_EXAMPLES = LIMITS["most_rows_in_default_epochs"]
_MAX_BATCH: int = RANGES["batch_size"]["maximum"]
_DECAY = 3.5  # over a job, the loss decays to exp(-3.5) = 3 % of its range
_EPOCHS_UNTIL_OVERFITTING, _OVERFITTING_PER_EPOCH = 4, 0.06


@dataclass(frozen=True)
class Plan:
    """The resolved hyperparameters of a job, and the numbers derived from them.

    `trained_tokens` is the total of all epochs. `beta` is None for methods without it.
    """

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    beta: float | None
    steps_per_epoch: int
    total_steps: int
    trained_tokens: int


class Step(NamedTuple):
    """The metrics of a step (counted from 1), with the names of the API's `metrics` events.

    `valid_…` is measured about ten times per epoch and `full_valid_…` at the end of each epoch, both only with a
    validation file. Only reinforcement has rewards.
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
    """Resolve hyperparameters that are "auto", null or missing, like the service when training starts.

    The number of epochs follows OpenAI's cookbook. `beta` is resolved if the key is present, so pass "auto" for dpo.
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
    """Compute the metrics of a step. `validation` states whether the job has a validation file.

    Raise `ValueError` if the step is not within 1..`plan.total_steps`.
    """
    if not 1 <= step <= plan.total_steps:
        raise ValueError(f"step {step} is not within 1..{plan.total_steps}")
    progress, epochs = (step - 1) / max(1, plan.total_steps - 1), step / plan.steps_per_epoch
    curve = _Curve(seed, method, step, progress, max(0.0, epochs - _EPOCHS_UNTIL_OVERFITTING))
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
    """The metrics at a point of a job.

    Attributes:
        seed: Seed of the job.
        method: Method of the job.
        step: Step, from 1.
        progress: Finished fraction of the training, from 0 to 1.
        overfitted: Number of epochs in which the model learned the training data by heart.
    """

    seed: int
    method: str
    step: int
    progress: float
    overfitted: float

    def loss(self, measured_on: str) -> float:
        start, end = _ends(self.seed, self.method)
        smooth = end + (start - end) * exp(-_DECAY * self.progress)
        spread = {"train": 0.08, "valid": 0.05, "full": 0.01}[measured_on]
        gap = 0.0 if measured_on == "train" else start * self._validation_gap()
        return round(smooth * (1 + spread * self._noise(measured_on)) + gap, 4)

    def _validation_gap(self) -> float:
        """Return how much validation losses are above training losses, as a share of the first loss."""
        return 0.08 * (0.4 + 0.6 * self.progress) + _OVERFITTING_PER_EPOCH * self.overfitted

    def accuracy(self, loss: float) -> float:
        # For dpo, this is the fraction of correctly ordered pairs, which starts at chance level, exp(-ln 2) = 0.5.
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
    """Return the first and the last loss of a curve."""
    if method == "dpo":
        return log(2), 0.2 + 0.08 * _trait(seed, "end")
    return 2.2 + 0.4 * _trait(seed, "start"), 0.55 + 0.2 * _trait(seed, "end")


@lru_cache(maxsize=1024)
def _trait(seed: int, name: str) -> float:
    """Return a pseudorandom number in [-1, 1] that is constant for a job."""
    return _hash_noise(f"{seed}:{name}")


def _hash_noise(key: str) -> float:
    """Return a pseudorandom number in [-1, 1] for a key, the same in every process."""
    digest = blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / (2**63 - 0.5) - 1


def checkpoint_steps(plan: Plan) -> list[int]:
    """Return the steps with a checkpoint, ascending: the last steps of the last three epochs."""
    first = max(1, plan.n_epochs - KEPT_EPOCHS + 1)
    return [epoch * plan.steps_per_epoch for epoch in range(first, plan.n_epochs + 1)]


def simulated_steps(
    plan: Plan, *, seed: int, method: str, validation: bool
) -> Iterator[dict[str, float | None]]:
    """Yield the metrics of all steps of a finished job."""
    for number in range(1, plan.total_steps + 1):
        yield training_step(plan, number, seed=seed, method=method, validation=validation)._asdict()
