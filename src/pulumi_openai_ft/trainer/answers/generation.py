"""One answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from pulumi_openai_ft.trainer.answers.operations import RefusalError
from pulumi_openai_ft.trainer.answers.sampling import processors
from pulumi_openai_ft.trainer.answers.text_stream import TextStream
from pulumi_openai_ft.trainer.answers.tool_calls import ToolCallStream
from pulumi_openai_ft.trainer.chat_template import SpecialTokenError, TemplateMismatchError
from pulumi_openai_ft.trainer.rows import RowError, convert_chat

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.trainer.answers.held_models import HeldModel
    from pulumi_openai_ft.trainer.answers.operations import Generate
    from pulumi_openai_ft.trainer.answers.tool_calls import ToolCall


class Answer:
    """The answer to a request.

    Args:
        request: The request.
        emit: Receives each new part of the text, and each tool call.
        is_cancelled: Returns whether to stop.
    """

    def __init__(
        self, request: Generate, emit: Callable[[str | ToolCall], None], is_cancelled: Callable[[], bool]
    ) -> None:
        self._request = request
        self._emit = emit
        self._is_cancelled = is_cancelled

    def generate(self, held: HeldModel) -> dict[str, Any]:
        """Generate the answer. Return the reason of its end and the numbers of tokens.

        Raises:
            RefusalError: The model cannot answer because of the request.
        """
        context = min(held.context, self._request.context or held.context)
        prompt = _prompt(self._request, held, context)
        room = min(self._request.max_tokens, context - len(prompt))
        has_calls = bool(self._request.tools) and held.writes_tool_calls
        parts = ToolCallStream(self._emit, recognizes=has_calls)
        tokens = _Tokens(TextStream(held.decode, self._request.stop), parts.add, self._is_cancelled)
        with held.selected(self._request.adapter) as model, torch.inference_mode():
            ids = torch.tensor([prompt], device=held.device)
            model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=room,
                logits_processor=processors(self._request),
                stopping_criteria=StoppingCriteriaList([tokens.stopping]),
                streamer=tokens,
            )
        parts.finish()
        is_complete = tokens.text.stopped or tokens.last in held.ends
        reason = "tool_calls" if parts.found else "stop"
        return {
            "finish_reason": reason if is_complete else "length",
            "usage": {
                "prompt_tokens": len(prompt),
                "completion_tokens": tokens.count,
                "total_tokens": len(prompt) + tokens.count,
            },
        }


class _Tokens(BaseStreamer):
    """Receives the tokens of an answer from transformers, first those of the prompt."""

    def __init__(
        self, text: TextStream, emit: Callable[[str], None], is_cancelled: Callable[[], bool]
    ) -> None:
        self.text = text
        self.count = 0
        self.last: int | None = None
        self.stopping = _Stopping(lambda: text.stopped or is_cancelled())
        self._emit = emit
        self._after_prompt = False

    def put(self, value: torch.Tensor) -> None:
        """Receive tokens."""
        if self._after_prompt and not self.text.stopped:  # transformers notices a stop one token later
            for token in value.flatten().tolist():
                self.count += 1
                self.last = token
                self._write(self.text.add(token))
        self._after_prompt = True

    def end(self) -> None:
        """Receive the end."""
        self._write(self.text.finish())

    def _write(self, text: str) -> None:
        if text:
            self._emit(text)


class _Stopping(StoppingCriteria):
    """Stops as soon as a function returns true."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        self._is_over = is_over

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: Any) -> torch.BoolTensor:  # noqa: ARG002
        return torch.full((len(input_ids),), self._is_over(), device=input_ids.device)


def _prompt(request: Generate, held: HeldModel, context: int) -> list[int]:
    """Return the tokens of the messages, made as in training. Raise `RefusalError` if the model cannot read them."""
    try:
        held.template.check_special_tokens(request.messages, "messages")
        held.template.check_special_tokens(request.tools, "tools")
        chat = convert_chat(request.messages, request.tools)
        held.template.check_complete(chat.messages, chat.tools)
        text = held.template.render(chat.messages, chat.tools, answer_follows=True)
    except (RowError, SpecialTokenError, TemplateMismatchError) as error:
        raise RefusalError(f"This model cannot read the request: {error}.", "messages") from error
    ids: list[int] = held.tokenizer(text, add_special_tokens=False)["input_ids"]
    if len(ids) >= context:
        raise RefusalError(
            f"This model's maximum context length is {context} tokens, but your messages have {len(ids)} tokens. "
            "Shorten the messages.",
            "messages",
            "context_length_exceeded",
        )
    return ids
