"""Base models in memory, with the adapters that were used last."""

from __future__ import annotations

import sys
from collections import OrderedDict
from contextlib import contextmanager
from itertools import count, groupby
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from peft import PeftModel
from transformers import GenerationConfig

from pulumi_openai_ft.trainer.answers.tool_calls import CLOSE, OPEN
from pulumi_openai_ft.trainer.chat_template import ChatTemplate
from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.models import ADAPTER_WEIGHTS, default_device, load_base, load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SECONDS_BETWEEN_CHECKS = 0.1


class CancelledError(Exception):
    """The request was cancelled before its answer began."""


class HeldModel:
    """A base model in memory. Use it within `Held.model` only.

    Attributes:
        tokenizer: Tokenizer.
        template: Chat template.
        writes_tool_calls: Whether the template writes tool calls in a form that can be recognized.
        context: Maximum number of tokens of messages and answer together.
        ends: Tokens that end an answer.
        is_damaged: Whether an adapter could not be loaded. PEFT may have added a part of it to the base model.
    """

    def __init__(self, folder: str, most_adapters: int, device: str) -> None:
        self.tokenizer: PreTrainedTokenizerBase = load_tokenizer(folder)
        self.template: ChatTemplate = ChatTemplate(self.tokenizer)
        self.writes_tool_calls: bool = self.template.writes_tool_calls()
        self._marks = _special_marks(self.tokenizer) if self.writes_tool_calls else {}
        self._model: PreTrainedModel = load_base(folder, device).to(device).eval()
        self.context: int = getattr(
            self._model.config.get_text_config(), "max_position_embeddings", sys.maxsize
        )
        self.ends: set[int] = _ends(self._model, self.tokenizer)
        self._model.generation_config = GenerationConfig(
            eos_token_id=sorted(self.ends), pad_token_id=self.tokenizer.pad_token_id, do_sample=False
        )  # without the model's own sampling, which no request asked for
        self.is_damaged: bool = False
        self._most_adapters = most_adapters
        self._with_adapters: PeftModel | None = None
        self._adapters: OrderedDict[str, str] = (
            OrderedDict()
        )  # PEFT's names by folder, the last used one at the end
        self._names = (f"adapter{number}" for number in count())

    def decode(self, ids: list[int]) -> str:
        """Return the text of tokens, without special tokens other than the marks of tool calls."""
        text = ""
        for mark, group in groupby(ids, self._marks.get):
            tokens = list(group)
            text += mark * len(tokens) if mark else self._decode(tokens)
        return text

    def _decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return self._model.device

    @contextmanager
    def selected(self, adapter: str | None) -> Iterator[Any]:
        """Select an adapter, or none, and yield the model to generate with."""
        if adapter is not None:
            self._load(adapter)
            yield self._select(self._adapters[adapter])
        elif self._with_adapters is not None:
            with self._with_adapters.disable_adapter():
                yield self._with_adapters
        else:
            yield self._model

    def unload(self, adapter: str) -> None:
        """Forget an adapter, if it is held."""
        name = self._adapters.pop(adapter, None)
        if name is None:
            return
        assert self._with_adapters is not None
        if self._adapters:  # PEFT must not delete the active adapter
            self._select(next(reversed(self._adapters.values())))
            self._with_adapters.delete_adapter(name)
        else:  # PEFT cannot disable adapters if it has none
            self._model = self._with_adapters.unload()
            self._with_adapters = None

    def _select(self, name: str) -> PeftModel:
        assert self._with_adapters is not None
        self._with_adapters.set_adapter(name, inference_mode=True)
        return self._with_adapters

    def _load(self, adapter: str) -> None:
        if adapter in self._adapters:
            self._adapters.move_to_end(adapter)
            return
        if not (Path(adapter) / ADAPTER_WEIGHTS).is_file():  # PEFT would look for pickled weights
            raise TrainingError("model_not_found", f"{adapter} contains no {ADAPTER_WEIGHTS}.", "model")
        name = next(self._names)
        self.is_damaged = True
        if self._with_adapters is None:
            self._with_adapters = PeftModel.from_pretrained(
                self._model, adapter, adapter_name=name, local_files_only=True
            ).eval()
        else:
            self._with_adapters.load_adapter(adapter, name, local_files_only=True)
            self._with_adapters.eval()
        self.is_damaged = False
        self._adapters[adapter] = name
        while len(self._adapters) > self._most_adapters:
            self.unload(next(iter(self._adapters)))


class Held:
    """All base models in memory. Each is loaded with its first request, and answers one request at a time.

    Args:
        most_adapters: Maximum number of adapters in memory for each base model.
        device: Device of the models. By default the first GPU, or the CPU if there is none.
    """

    def __init__(self, most_adapters: int, device: str | None = None) -> None:
        self._most_adapters = most_adapters
        self._device = device or default_device()
        self._models: dict[str, HeldModel] = {}
        self._locks: dict[str, Lock] = {}

    @contextmanager
    def model(self, folder: str, is_cancelled: Callable[[], bool]) -> Iterator[HeldModel]:
        """Wait for a base model, load it if necessary, and yield it. Forget it if it was damaged.

        Raises:
            CancelledError: The request was cancelled before.
            TrainingError: The base model cannot be loaded.
        """
        lock = self._locks.setdefault(folder, Lock())
        while not lock.acquire(timeout=_SECONDS_BETWEEN_CHECKS):
            _check(is_cancelled)
        try:
            _check(is_cancelled)
            if folder not in self._models:
                self._models[folder] = HeldModel(folder, self._most_adapters, self._device)
            yield self._models[folder]
        finally:
            if folder in self._models and self._models[folder].is_damaged:
                del self._models[folder]
            lock.release()

    def unload(self, adapter: str) -> None:
        """Forget an adapter, after the answers in progress."""
        for folder in list(self._locks):
            with self._locks[folder]:
                if folder in self._models:
                    self._models[folder].unload(adapter)


def _check(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise CancelledError


def _special_marks(tokenizer: PreTrainedTokenizerBase) -> dict[int, str]:
    """Return the marks of tool calls that are special tokens, which would be left out of the text."""
    ids = {tokenizer.convert_tokens_to_ids(mark): mark for mark in (OPEN, CLOSE)}
    return {number: mark for number, mark in ids.items() if number in tokenizer.all_special_ids}


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Return the tokens that end an answer, according to the model's files and its tokenizer."""
    ends = {tokenizer.eos_token_id}
    for config in (model.generation_config, model.config.get_text_config()):
        found = getattr(config, "eos_token_id", None)
        ends |= set(found) if isinstance(found, list) else {found}
    return ends - {None}
