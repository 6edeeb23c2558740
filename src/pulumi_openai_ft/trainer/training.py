"""Training of a job: reads the rows, loads the model, and runs trl's trainer."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.data_loader import SeedableRandomSampler
from datasets import Dataset, concatenate_datasets
from msgspec.structs import replace
from torch.utils.data import Sampler
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from pulumi_openai_ft.trainer import models, wandb_board
from pulumi_openai_ft.trainer._reporter import Reporter
from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.labeled_positions import score_labeled_positions_only
from pulumi_openai_ft.trainer.plan import Plan
from pulumi_openai_ft.trainer.ranks import SINGLE, Ranks
from pulumi_openai_ft.trainer.rows import convert_rows
from pulumi_openai_ft.trainer.stop import StoppedError
from pulumi_openai_ft.trainer.tokenization import IGNORED, Tokenization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase, TrainerState

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
    ranks: Ranks
    tokenizer: PreTrainedTokenizerBase
    training: _Rows
    validation: _Rows | None

    @property
    def plan(self) -> Plan:
        hyperparameters = self.request.hyperparameters
        rows, tokens = len(self.training.dataset), self.training.tokens
        return Plan(rows, hyperparameters.n_epochs, hyperparameters.batch_size, tokens)


def train(folder: JobFolder, request: Request, stop: Stop, ranks: Ranks = SINGLE) -> Plan:
    """Train a job, from its last checkpoint if it has one, and return the plan that was carried out.

    Args:
        folder: Folder of the job.
        request: The run to train.
        stop: Request to stop.
        ranks: This worker's place among the workers of the run.

    Raises:
        TrainingError: The job cannot be trained.
        StoppedError: A stop was requested. The run is saved if it had begun.
    """
    job = _read_job(folder, request, stop, ranks)
    score_labeled_positions_only()
    model = models.add_adapter(models.load_base(request.base), request.lora, request.adapter, request.seed)
    resumed = folder.last_checkpoint()
    _require_space(folder, request, model)
    stop.check()
    with wandb_board.opened(
        request if ranks.is_first else replace(request, wandb=None), folder.path
    ) as board:
        trainer = _Run(job, model, board).trainer
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    last = job.plan.total_steps
    if trainer.state.global_step < last or (ranks.is_first and last not in folder.published_steps()):
        raise StoppedError
    return job.plan


class _Run:
    """The trainer of a run, and the operations on its model that reports need."""

    def __init__(self, job: _Job, model: PeftModel, board: wandb_board.Board) -> None:
        self._job = job
        reporter = Reporter(
            job.folder,
            job.plan,
            self,
            job.stop,
            ranks=job.ranks,
            board=board,
            validates=job.validation is not None,
        )
        reporter.warnings += [*_truncations(job), *board.warnings]
        trainer, config = _trainer(job)
        self.trainer = trainer(
            model=model,
            args=config,
            train_dataset=_evenly_divided(job),
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


class _EvenSampler(Sampler[int]):
    """The rows in the order in which one worker trains them, then rows without loss until each worker has equally many.

    Args:
        rows: Number of rows of the training file.
        even_rows: Number of all rows.
        epoch: Returns the epoch, from which the order follows. transformers does not set it for several workers that
            resume within an epoch.
    """

    def __init__(self, rows: int, even_rows: int, epoch: Callable[[], int]) -> None:
        self._shuffled = SeedableRandomSampler(range(rows))
        self._added = range(rows, even_rows)
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        self._shuffled.set_epoch(self._epoch())
        yield from self._shuffled
        yield from self._added

    def __len__(self) -> int:
        return len(self._shuffled) + len(self._added)


class _SharedBatches:
    """A trainer on several workers, with the batches of a single one.

    Args:
        plan: Plan of the run.
    """

    train_dataset: Dataset
    state: TrainerState

    def __init__(self, plan: Plan, **settings: Any) -> None:
        self._plan = plan
        super().__init__(**settings)

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler[int]:
        rows = self.train_dataset if train_dataset is None else train_dataset
        return _EvenSampler(
            self._plan.rows, len(rows), lambda: self.state.global_step // self._plan.steps_per_epoch
        )


class _PreferenceTrainer(DPOTrainer):
    """trl's trainer, for rows that are already tokenized."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


class _SharedSupervisedTrainer(_SharedBatches, SFTTrainer):
    """trl's supervised trainer on several workers."""


class _SharedPreferenceTrainer(_SharedBatches, _PreferenceTrainer):
    """trl's preference trainer on several workers."""


def _trainer(job: _Job) -> tuple[Callable[..., SFTTrainer | DPOTrainer], SFTConfig | DPOConfig]:
    arguments = _arguments(job)
    is_shared = job.ranks.size > 1
    if job.request.method == "dpo":
        preference = partial(_SharedPreferenceTrainer, job.plan) if is_shared else _PreferenceTrainer
        return preference, DPOConfig(**arguments, beta=job.request.hyperparameters.beta)
    supervised = partial(_SharedSupervisedTrainer, job.plan) if is_shared else SFTTrainer
    return supervised, SFTConfig(**arguments)


def _evenly_divided(job: _Job) -> Dataset:
    """Return the training rows, and rows without loss so that all workers have equally many.

    Raises:
        TrainingError: The method has no rows without loss.
    """
    rows = job.training.dataset
    missing = -len(rows) % job.ranks.size
    if not missing:
        return rows
    if job.request.method == "dpo":
        raise TrainingError(
            "invalid_n_examples",
            f"The training file has {len(rows)} examples, which {job.ranks.size} workers cannot share evenly: add "
            f"{missing} or remove {job.ranks.size - missing}.",
            "training_file",
        )
    without_loss = {
        "input_ids": [[job.tokenizer.pad_token_id] * 2] * missing,
        "labels": [[IGNORED] * 2] * missing,
    }
    return concatenate_datasets([rows, Dataset.from_dict(without_loss, features=rows.features)])


def _read_job(folder: JobFolder, request: Request, stop: Stop, ranks: Ranks) -> _Job:
    tokenizer = models.load_tokenizer(request.base)
    training = _read(folder.training, "training_file", request, tokenizer, stop)
    validation = None
    if folder.validation.exists():
        validation = _read(folder.validation, "validation_file", request, tokenizer, stop)
    return _Job(folder, request, stop, ranks, tokenizer, training, validation)


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


def _arguments(job: _Job) -> dict[str, Any]:
    folder, request, plan = job.folder, job.request, job.plan
    on_gpu = torch.cuda.is_available()
    # Shorter rows of a pass are padded, which costs a GPU little, and a CPU more than separate passes.
    rows_per_pass = plan.micro_batch if on_gpu else 1
    return {
        "output_dir": str(folder.checkpoints),
        "num_train_epochs": plan.epochs,
        "per_device_train_batch_size": rows_per_pass,
        "per_device_eval_batch_size": rows_per_pass,
        "gradient_accumulation_steps": plan.batch_size // (rows_per_pass * job.ranks.size),
        "learning_rate": request.learning_rate * request.hyperparameters.learning_rate_multiplier,
        "lr_scheduler_type": "linear",
        "seed": request.seed,
        "bf16": on_gpu and torch.cuda.is_bf16_supported(),
        "gradient_checkpointing": on_gpu,  # saves memory; a CPU has more memory than time
        "dataloader_pin_memory": on_gpu,
        "use_cpu": not on_gpu,
        "ddp_backend": "gloo" if job.ranks.size > 1 else None,
        "ddp_find_unused_parameters": False,
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
