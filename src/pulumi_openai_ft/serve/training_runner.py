"""The runner of the service: it stores intents, and reads what the training loop reports."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from pulumi_openai_ft.serve.job_folder import AdapterGoneError, JobFolder
from pulumi_openai_ft.serve.training_runs import CANCEL, PAUSE, RUN, Run, Spec
from pulumi_openai_ft.server.errors import invalid, invalid_file
from pulumi_openai_ft.server.runner import Dataset, Notice, Outcome, Progress, TrainingRequest
from pulumi_openai_ft.server.training_data import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pulumi_openai_ft.serve.config import ServeConfig
    from pulumi_openai_ft.serve.training_runs import TrainingRuns
    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.clock import Clock
    from pulumi_openai_ft.server.store import Store

METRICS = (
    "step",
    "total_steps",
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
)
"""The API's metrics, which are the names in the trainer's report."""


class TrainingRunner:
    """Implements `server.runner.Runner`. All calls except `check` only read and write the store and make hard links."""

    progresses_on_read: ClassVar[bool] = False

    def __init__(
        self, config: ServeConfig, store: Store, blobs: Blobs, clock: Clock, runs: TrainingRuns
    ) -> None:
        self._config = config
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._runs = runs
        self._watched: dict[str, JobFolder] = {}
        self._others = lru_cache(maxsize=256)(JobFolder)

    def folder(self, job_id: str) -> JobFolder:
        """Return the folder of a job. It is the same object while it is watched."""
        return self._watched.get(job_id) or self._others(jobs_folder(self._config) / job_id)

    def watch(self, job_id: str) -> JobFolder:
        """Return the folder of a job, which remembers how much it has read of the metrics until `unwatch`."""
        folder = self._watched.get(job_id)
        if folder is None:
            folder = self._watched[job_id] = JobFolder(jobs_folder(self._config) / job_id)
        return folder

    def unwatch(self, job_id: str) -> None:
        """Forget the folder of a job that needs no more work."""
        self._watched.pop(job_id, None)

    def adapter(self, model: str) -> Path | None:
        """Return the adapter of a fine-tuned model or checkpoint, or None if it does not exist."""
        for checkpoint in self._store.checkpoints.find({"name": model}, limit=1):
            path = self.folder(checkpoint.job).model(checkpoint.step)
            return path if path.exists() else None
        return None

    def check(self, order: TrainingRequest) -> None:
        """Raise a 400 if there is no key for an integration, no weights to continue from, or an image in a file."""
        if order.integrations and self.wandb_key(order.project) is None:
            message = (
                "This service has no Weights & Biases key for the project. Ask its operator to set [wandb]."
            )
            raise invalid(message, "integrations")
        if order.model != order.base and self.adapter(order.model) is None:
            raise invalid(_missing_weights(order), "model", "model_not_available")
        for param, dataset in (("training_file", order.training), ("validation_file", order.validation)):
            if dataset is not None:
                _refuse_images(dataset, param)

    def wandb_key(self, project: str) -> str | None:
        """Return the Weights & Biases key of a project, or None if it has none."""
        variable = self._config.wandb.variable(project)
        return None if variable is None else os.environ.get(variable) or None

    def submit(self, order: TrainingRequest) -> None:
        """Store the run and link its files into the job's folder."""
        now = self._clock.now()
        wandb = next((dict(found["wandb"]) for found in order.integrations), None)
        spec = Spec(
            project=order.project,
            base=order.base,
            method=order.kind,
            hyperparameters=dict(order.hyperparameters),
            seed=order.seed,
            validation=order.validation is not None,
            adapter=order.model != order.base,
            wandb=wandb,
        )
        run = Run(spec, queued_at=now)
        try:
            self._prepare_folder(order)
        except FileNotFoundError:
            run.fail(now, "invalid_training_file", "A file of the job was deleted.", "training_file")
        except AdapterGoneError:
            run.fail(now, "model_not_available", _missing_weights(order), "model")
        self._runs.add(order.job_id, run)

    def _prepare_folder(self, order: TrainingRequest) -> None:
        is_continued = order.model != order.base
        adapter = self.adapter(order.model) if is_continued else None
        if is_continued and adapter is None:
            raise AdapterGoneError
        self.folder(order.job_id).prepare(
            training=self._blobs.path(order.training.file_id),
            validation=None if order.validation is None else self._blobs.path(order.validation.file_id),
            adapter=adapter,
        )

    def poll(self, order: TrainingRequest) -> Progress:
        """Return the state that the training loop stored."""
        run = self._runs.get(order.job_id)
        at = run.at
        remaining = (run.total_steps - run.step) * run.seconds_per_step if run.seconds_per_step else None
        return Progress(
            status=run.stage,
            at=at,
            reached=run.reached,
            step=run.step,
            total_steps=run.total_steps,
            hyperparameters=run.hyperparameters,
            estimated_finish=None if remaining is None else at + remaining,
            problem=None if run.problem is None else Problem(**run.problem),
            notices=[Notice(*notice) for notice in run.notices],
            checkpoints={int(step): made for step, made in run.checkpoints.items()},
            removed=frozenset(run.removed),
        )

    def cancel(self, order: TrainingRequest) -> None:
        """Store the intent to cancel. The slot is free when the process has exited."""
        with self._runs.change(order.job_id) as run:
            run.wanted = CANCEL
            run.enter("cancelled", self._clock.now())

    def pause(self, order: TrainingRequest) -> None:
        """Store the intent to pause."""
        with self._runs.change(order.job_id) as run:
            run.wanted = PAUSE
            run.enter("pausing", self._clock.now())

    def resume(self, order: TrainingRequest) -> None:
        """Put the run at the end of the queue."""
        with self._runs.change(order.job_id) as run:
            run.wanted, run.queued_at = RUN, self._clock.now()
            for stage in ("running", "pausing", "paused"):
                run.reached.pop(stage, None)
            run.enter("queued", run.queued_at)

    def metrics(self, order: TrainingRequest, steps: Iterable[int]) -> list[dict[str, float]]:
        """Return the metrics of steps, with the API's names."""
        steps = list(steps)
        measured = self.folder(order.job_id).metrics(steps)
        return [_api_metrics(row or {"step": step}) for step, row in zip(steps, measured, strict=True)]

    def outcome(self, order: TrainingRequest) -> Outcome:
        """Return the result that the trainer reported."""
        result = self._runs.get(order.job_id).result
        assert result is not None, "a succeeded run has a result"
        folder = self.folder(order.job_id)
        measured = folder.metrics(range(1, folder.finished_steps() + 1))
        rows = (row for row in measured if row is not None)
        return Outcome(result["trained_tokens"], result["steps"], rows)

    def discard(self, order: TrainingRequest, step: int, name: str) -> None:
        """Store the intent to delete an adapter."""
        with self._runs.change(order.job_id) as run:
            run.discarded[str(step)] = name
            run.open = True


def jobs_folder(config: ServeConfig) -> Path:
    """Return the folder of all job folders."""
    return config.data / "jobs"


def _missing_weights(order: TrainingRequest) -> str:
    return f"The weights of {order.model} no longer exist."


def _api_metrics(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: row[name] for name in METRICS if row.get(name) is not None}


def _refuse_images(dataset: Dataset, param: str) -> None:
    with _opened(dataset, param) as content:
        for number, line in enumerate(content, start=1):
            if b"image_url" in line and _has_image(line):
                message = (
                    f"This service does not train on images, but line {number} of the file contains one."
                )
                raise invalid(message, param, "unsupported_content")


def _opened(dataset: Dataset, param: str) -> BinaryIO:
    try:
        return dataset.open()
    except FileNotFoundError:
        raise invalid_file(dataset.file_id, param) from None


def _has_image(line: bytes) -> bool:
    try:
        row = json.loads(line)
    except ValueError:
        return False  # validation reports it
    return _contains_image(row)


def _contains_image(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("type") == "image_url" or any(map(_contains_image, value.values()))
    return isinstance(value, list) and any(map(_contains_image, value))
