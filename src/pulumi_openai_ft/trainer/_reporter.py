"""Reports the steps of a run to the job folder, and decides when to save and to stop."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Protocol

from transformers import TrainerCallback

from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.stop import StoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transformers import TrainerControl, TrainerState, TrainingArguments

    from pulumi_openai_ft.trainer.job_folder import JobFolder
    from pulumi_openai_ft.trainer.plan import Plan
    from pulumi_openai_ft.trainer.ranks import Ranks
    from pulumi_openai_ft.trainer.stop import Stop

SECONDS_BETWEEN_CHECKPOINTS = 600.0
WEIGHT_OF_LATEST_STEP = 0.1  # in the average time per step

# The API's names of metrics, by trl's.
_TRAIN = {"loss": "train_loss", "mean_token_accuracy": "train_mean_token_accuracy"}
_VALID = {"eval_loss": "valid_loss", "eval_mean_token_accuracy": "valid_mean_token_accuracy"}
_FULL_VALID = {
    "eval_loss": "full_valid_loss",
    "eval_mean_token_accuracy": "full_valid_mean_token_accuracy",
}


class Model(Protocol):
    """The operations of the model in training that a report needs."""

    def validate(self) -> Mapping[str, float]:
        """Return trl's metrics of all validation rows. Raise StoppedError if a stop is requested."""

    def validate_batch(self, step: int) -> Mapping[str, float]:
        """Return trl's metrics of the validation rows of a step."""

    def publish(self, step: int) -> None:
        """Publish the adapter as the model of a step."""


class Board(Protocol):
    """A service that shows metrics."""

    def log(self, row: Mapping[str, Any]) -> None:
        """Show the metrics of a step."""


class Reporter(TrainerCallback):
    """The callback of a run.

    It writes the metrics of a step before the step is saved. At the end of an epoch, it validates and publishes the model
    in between. If a stop interrupts the validation, the step is saved without them, and the next attempt catches up.
    With several workers, all of them take part in validations and agree on stops, and only the first one writes.
    """

    def __init__(
        self,
        folder: JobFolder,
        plan: Plan,
        model: Model,
        stop: Stop,
        *,
        ranks: Ranks,
        board: Board,
        validates: bool,
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._model = model
        self._stop = stop
        self._ranks = ranks
        self._board = board
        self._validates = validates
        self._step_started = self._saved = time.monotonic()
        self._seconds_per_step: float | None = None
        self._validates_all = False
        self.warnings: list[str] = []

    def report(self, state: str) -> None:
        """Write the progress."""
        if not self._ranks.is_first:
            return
        self._folder.write_progress(
            {
                "state": state,
                "total_steps": self._plan.total_steps,
                "trained_tokens": self._plan.trained_tokens,
                "train_rows": self._plan.rows,
                "seconds_per_step": self._seconds_per_step,
                "warnings": self.warnings,
            }
        )

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Report the start, and complete a step that an earlier attempt saved without completing it."""
        self.report("training")
        step = state.global_step
        is_incomplete = step not in self._folder.recorded_steps() or self._must_publish(step)
        if self._ranks.agree(step > 0 and is_incomplete)[0]:
            self._complete(control, step, _logged(state, step))

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start to measure the time of a step."""
        self._step_started = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Request a checkpoint at the end of an epoch, from time to time, and on a stop."""
        now = time.monotonic()
        self._measure(now - self._step_started)
        stop, due = self._ranks.agree(self._stop.requested, now - self._saved >= SECONDS_BETWEEN_CHECKPOINTS)
        control.should_save = self._plan.ends_epoch(state.global_step) or due or stop
        control.should_training_stop = control.should_training_stop or stop

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Complete a step, before the Trainer saves it. The metrics of validations are logged too, but are not steps."""
        if logs is not None and "loss" in logs:
            self._complete(control, state.global_step, logs)
            self.report("saving" if control.should_save else "training")

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Interrupt a validation of all rows if a stop is requested, because it can take longer than a stop may."""
        if self._validates_all and self._ranks.agree(self._stop.requested)[0]:
            raise StoppedError

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start to measure the time to the next checkpoint."""
        self._saved = time.monotonic()
        self.report("training")

    def _measure(self, seconds: float) -> None:
        average = self._seconds_per_step
        weight = WEIGHT_OF_LATEST_STEP if average is not None else 1.0
        self._seconds_per_step = (1 - weight) * (average or 0.0) + weight * seconds

    def _complete(self, control: TrainerControl, step: int, logs: Mapping[str, Any]) -> None:
        row = {
            "step": step,
            "total_steps": self._plan.total_steps,
            "at": time.time(),
            **_renamed(logs, _TRAIN),
        }
        _require_numbers(row)
        try:
            row |= self._validate(step)
        except StoppedError:
            control.should_training_stop = True
            return
        if self._ranks.is_first:
            self._record(step, row)

    def _record(self, step: int, row: Mapping[str, Any]) -> None:
        self._folder.append_metrics(row)
        self._board.log(row)
        if self._must_publish(step):
            self._model.publish(step)

    def _must_publish(self, step: int) -> bool:
        return self._plan.ends_epoch(step) and step not in self._folder.published_steps()

    def _validate(self, step: int) -> dict[str, float]:
        if not self._validates:
            return {}
        measured: dict[str, float] = {}
        if step % self._plan.validation_interval == 0:
            measured |= _renamed(self._model.validate_batch(step), _VALID)
        if self._plan.ends_epoch(step):
            self._validates_all = True
            measured |= _renamed(self._model.validate(), _FULL_VALID)
            self._validates_all = False
        return measured


def _renamed(logs: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    return {name: logs[original] for original, name in names.items() if original in logs}


def _logged(state: TrainerState, step: int) -> Mapping[str, Any]:
    """Return the metrics of a step that an earlier attempt logged."""
    return next(logs for logs in reversed(state.log_history) if logs["step"] == step and "loss" in logs)


def _require_numbers(row: Mapping[str, Any]) -> None:
    if not math.isfinite(row["train_loss"]):
        raise TrainingError(
            "training_diverged",
            f"The training loss is not a finite number at step {row['step']}: use a lower learning_rate_multiplier.",
            "learning_rate_multiplier",
        )
