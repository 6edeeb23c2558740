"""Training of a job: reads the rows, loads the model, and runs trl's trainer."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from pulumi_openai_ft.trainer import models, wandb_board
from pulumi_openai_ft.trainer._reporter import Reporter
from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.plan import Plan
from pulumi_openai_ft.trainer.rows import convert_rows
from pulumi_openai_ft.trainer.stop import StoppedError
from pulumi_openai_ft.trainer.tokenization import Tokenization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

    from pulumi_openai_ft.trainer.job_folder import JobFolder
    from pulumi_openai_ft.trainer.request import Request
    from pulumi_openai_ft.trainer.stop import Stop

MEBIBYTE = 2**20
BYTES_PER_SAVED_PARAMETER = 12  # the weight and two moments of the optimizer, in 32 bits


@dataclass(frozen=True)
class _Rows:
    dataset: Dataset
    tokens: int
    truncated: int


@dataclass(frozen=True)
class _Job:
    """A run's request, and everything that was derived from it."""

    folder: JobFolder
    request: Request
    stop: Stop
    tokenizer: PreTrainedTokenizerBase
    training: _Rows
    validation: _Rows | None

    @property
    def plan(self) -> Plan:
        hyperparameters = self.request.hyperparameters
        rows, tokens = len(self.training.dataset), self.training.tokens
        return Plan(rows, hyperparameters.n_epochs, hyperparameters.batch_size, tokens)


def train(folder: JobFolder, request: Request, stop: Stop) -> Plan:
    """Train a job, from its last checkpoint if it has one, and return the plan that was carried out.

    Raises:
        TrainingError: The job cannot be trained.
        StoppedError: A stop was requested. The run is saved if it had begun.
    """
    job = _read_job(folder, request, stop)
    model = models.add_adapter(models.load_base(request.base), request.lora, request.adapter, request.seed)
    resumed = folder.last_checkpoint()
    _require_space(folder, request, model)
    stop.check()
    with wandb_board.opened(request, folder.path) as board:
        trainer = _Run(job, model, board).trainer
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if (
        trainer.state.global_step < job.plan.total_steps
        or job.plan.total_steps not in folder.published_steps()
    ):
        raise StoppedError
    return job.plan


class _Run:
    """The trainer of a run, and the operations on its model that reports need."""

    def __init__(self, job: _Job, model: PeftModel, board: wandb_board.Board) -> None:
        self._job = job
        reporter = Reporter(job.folder, job.plan, self, job.stop, board, validates=job.validation is not None)
        reporter.warnings += [*_truncations(job), *board.warnings]
        trainer, config = _trainer(job)
        self.trainer = trainer(
            model=model,
            args=config,
            train_dataset=job.training.dataset,
            processing_class=job.tokenizer,
            callbacks=[reporter],
        )
        self.trainer.remove_callback(PrinterCallback)

    def validate(self) -> Mapping[str, float]:
        """Return the metrics of all validation rows. Raise StoppedError if a stop is requested."""
        assert self._job.validation is not None
        return self._evaluate(self._job.validation.dataset)

    def validate_batch(self, step: int) -> Mapping[str, float]:
        """Return the metrics of as many validation rows as a step trains, which move through the file."""
        assert self._job.validation is not None
        rows = len(self._job.validation.dataset)
        size = self._job.plan.batch_size
        first = (step - 1) * size
        chosen = sorted({index % rows for index in range(first, first + size)})
        return self._evaluate(self._job.validation.dataset.select(chosen))

    def publish(self, step: int) -> None:
        """Publish the adapter as the model of a step."""
        with self._job.folder.new_model(step, keep=self._job.request.keep_checkpoints) as model:
            models.save_adapter(self.trainer.model, model)

    def _evaluate(self, dataset: Dataset) -> Mapping[str, float]:
        # A validation must not change the random numbers of the training, or an interrupted run would differ.
        with torch.random.fork_rng():
            measured: Mapping[str, float] = self.trainer.evaluate(dataset)
        return measured


class _PreferenceTrainer(DPOTrainer):
    """trl's trainer, for rows that are already tokenized."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


def _trainer(job: _Job) -> tuple[type[SFTTrainer | DPOTrainer], SFTConfig | DPOConfig]:
    arguments = _arguments(job.folder, job.request, job.plan)
    if job.request.method == "dpo":
        return _PreferenceTrainer, DPOConfig(**arguments, beta=job.request.hyperparameters.beta)
    return SFTTrainer, SFTConfig(**arguments)


def _read_job(folder: JobFolder, request: Request, stop: Stop) -> _Job:
    tokenizer = models.load_tokenizer(request.base)
    training = _read(folder.training, "training_file", request, tokenizer, stop)
    validation = None
    if folder.validation.exists():
        validation = _read(folder.validation, "validation_file", request, tokenizer, stop)
    return _Job(folder, request, stop, tokenizer, training, validation)


def _read(file: Path, param: str, request: Request, tokenizer: PreTrainedTokenizerBase, stop: Stop) -> _Rows:
    tokenization = Tokenization(tokenizer, request.max_length)
    convert = tokenization.dpo if request.method == "dpo" else tokenization.supervised
    columns: dict[str, list[np.ndarray]] = {}  # lists of numbers would take nine times the memory
    tokens = truncated = 0
    for row in convert_rows(file, param, convert):
        stop.check()
        for name, ids in row.columns.items():
            columns.setdefault(name, []).append(np.array(ids, dtype=np.int32))
        tokens += row.tokens
        truncated += row.truncated
    if not columns:
        name = param.replace("_", " ").capitalize()
        raise TrainingError("invalid_n_examples", f"{name} has no examples.", param)
    return _Rows(Dataset.from_dict(columns), tokens, truncated)


def _truncations(job: _Job) -> list[str]:
    counts = {
        "training": job.training.truncated,
        "validation": job.validation.truncated if job.validation else 0,
    }
    return [
        f"Rows longer than {job.request.max_length} tokens were cut at the end: {count} in the {name} file."
        for name, count in counts.items()
        if count
    ]


def _arguments(folder: JobFolder, request: Request, plan: Plan) -> dict[str, Any]:
    on_gpu = torch.cuda.is_available()
    # Shorter rows of a pass are padded, which costs a GPU little, and a CPU more than separate passes.
    rows_per_pass = plan.micro_batch if on_gpu else 1
    return {
        "output_dir": str(folder.checkpoints),
        "num_train_epochs": plan.epochs,
        "per_device_train_batch_size": rows_per_pass,
        "per_device_eval_batch_size": rows_per_pass,
        "gradient_accumulation_steps": plan.batch_size // rows_per_pass,
        "learning_rate": request.learning_rate * request.hyperparameters.learning_rate_multiplier,
        "lr_scheduler_type": "linear",
        "seed": request.seed,
        "bf16": on_gpu and torch.cuda.is_bf16_supported(),
        "gradient_checkpointing": on_gpu,  # saves memory; a CPU has more memory than time
        "dataloader_pin_memory": on_gpu,
        "max_length": None,  # rows are already cut
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a diverged run must fail
        "save_strategy": "no",  # the reporter requests checkpoints
        "save_total_limit": request.keep_checkpoints,
        "report_to": "none",
        "disable_tqdm": True,
    }


def _require_space(folder: JobFolder, request: Request, model: PeftModel) -> None:
    """Raise TrainingError unless the disk has room for the checkpoints and models to keep, and one more of each."""
    parameters = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    tokenizer = sum(file.stat().st_size for file in Path(request.base).glob("*token*.json"))
    checkpoint = parameters * BYTES_PER_SAVED_PARAMETER + tokenizer + MEBIBYTE
    published = parameters * 4
    needed = (request.keep_checkpoints + 1) * (checkpoint + published) - folder.size()
    free = shutil.disk_usage(folder.path).free
    if free < needed:
        raise TrainingError(
            "insufficient_storage",
            f"The service's disk has {free // MEBIBYTE} MB free, but the checkpoints of this job need "
            f"{needed // MEBIBYTE + 1} MB: free some space, then create the job again.",
        )
