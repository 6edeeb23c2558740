"""Interface of everything that answers chat messages with a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that can answer.

    Attributes:
        name: The model's own name, never an alias.
        base_path: Folder with the weights of the base model.
        adapter_path: Folder of the adapter; None for a base model.
        context: Maximum number of tokens of messages and answer together, if less than the model's own maximum. vLLM has
            its own setting for it (`--max-model-len`).
    """

    name: str
    base_path: Path
    adapter_path: Path | None = None
    context: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """A validated request for an answer.

    Attributes:
        model: The model to ask.
        messages: Messages whose contents are strings or None.
        max_tokens: Maximum number of tokens of the answer.
        tools: Definitions of tools for the model's chat template.
        temperature: Temperature of sampling; 0 always takes the most likely token.
        top_p: Share of the probability from which tokens are sampled.
        seed: Seed of sampling; None for a random one.
        stop: Texts that end the answer. The answer does not contain them.
    """

    model: ServedModel
    messages: list[Json]
    max_tokens: int
    tools: list[Json] | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """A part of an answer: fields to append to those of the message, such as `content`."""

    fields: Json


@dataclass(frozen=True, slots=True)
class End:
    """The end of an answer.

    Attributes:
        finish_reason: `stop`, `length` or `tool_calls`.
        usage: The API's object with the numbers of tokens.
    """

    finish_reason: str
    usage: Json


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete answer.

    Attributes:
        message: The API's message.
        end: The end of the answer.
    """

    message: Json
    end: End


class AnswerError(Exception):
    """A failure to answer.

    Args:
        status: HTTP status for the client.
        message: Sentence for the client.
        param: Parameter of the request that caused the failure.
        code: The API's code of the failure.
    """

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code


class Answerer(ABC):
    """Answers chat messages. Use it in one event loop. All methods but `close` raise `AnswerError` on failure."""

    @abstractmethod
    def stream(self, request: AnswerRequest) -> AsyncGenerator[Delta | End]:
        """Yield the parts of the answer while the model writes them, and then its `End`. Closing the generator stops the work."""

    @abstractmethod
    async def complete(self, request: AnswerRequest) -> Completion:
        """Return the complete answer. Cancelling the call stops the work."""

    @abstractmethod
    async def unload(self, model: ServedModel) -> None:
        """Forget a fine-tuned model, after its last answer in progress, so that its folder can be deleted."""

    @abstractmethod
    async def close(self) -> None:
        """End all work."""
