"""Base models, and their adapters, on disk and in memory."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase, set_seed

from pulumi_openai_ft.trainer.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import PreTrainedModel

    from pulumi_openai_ft.trainer.request import Lora

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_NAME = "default"  # PEFT's name of the only or first adapter

# Nothing is downloaded, no code of a model runs, and weights are never unpickled.
_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def load_tokenizer(base: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a base model. Raise TrainingError if it cannot be used."""
    _require_weights(base)
    with _problems_of(base):
        tokenizer = AutoTokenizer.from_pretrained(base, **_LOCAL)
    if not tokenizer.is_fast:
        raise TrainingError(
            "invalid_base_model",
            "The tokenizer of the base model has no tokenizer.json, which training needs.",
            "model",
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(base: str, device: str | None = None) -> PreTrainedModel:
    """Load the weights of a base model, in the type for a device. Raise TrainingError if they cannot be used."""
    _require_weights(base)
    with _problems_of(base):
        return AutoModelForCausalLM.from_pretrained(
            base, dtype=_weights_dtype(device or default_device()), use_safetensors=True, **_LOCAL
        )


def default_device() -> str:
    """Return the first GPU, or the CPU if there is none."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def _weights_dtype(device: str) -> torch.dtype:
    """Return the type of frozen weights: half of the memory on a GPU, exact on a CPU."""
    return torch.bfloat16 if device != "cpu" and torch.cuda.is_bf16_supported() else torch.float32


def add_adapter(model: PreTrainedModel, lora: Lora, adapter: str | None, seed: int) -> PeftModel:
    """Return the model with a trainable adapter: a new one, whose weights depend on the seed, or a continued one."""
    if adapter is not None:
        return load_adapter(model, adapter, trainable=True)
    set_seed(seed)
    config = LoraConfig(
        r=lora.r, lora_alpha=lora.alpha, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config)


def load_adapter(model: PreTrainedModel, adapter: str, *, trainable: bool = False) -> PeftModel:
    """Return the model with an adapter from a folder. Raise TrainingError if it cannot be used."""
    if not (Path(adapter) / ADAPTER_WEIGHTS).is_file():
        raise TrainingError(
            "invalid_base_model", "The weights of the fine-tuned model no longer exist.", "model"
        )
    with _problems_of(adapter):
        return PeftModel.from_pretrained(model, adapter, is_trainable=trainable, local_files_only=True)


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write an adapter's weights and configuration, and nothing else, to a folder."""
    model.save_pretrained(folder, selected_adapters=[ADAPTER_NAME], safe_serialization=True)
    for file in folder.iterdir():
        if file.name not in (ADAPTER_WEIGHTS, ADAPTER_CONFIG):
            file.unlink()


def _require_weights(base: str) -> None:
    if not any(Path(base).glob("*.safetensors")):
        raise TrainingError(
            "invalid_base_model",
            "The base model's folder contains no safetensors files on this machine.",
            "model",
        )


@contextmanager
def _problems_of(folder: str) -> Iterator[None]:
    """Turn problems with the files of a model into errors for the job's owner, without the folder's path."""
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        reason = " ".join(str(error).replace(folder, Path(folder).name).split()).rstrip(".")
        raise TrainingError(
            "invalid_base_model", f"The base model cannot be loaded: {reason}.", "model"
        ) from error
