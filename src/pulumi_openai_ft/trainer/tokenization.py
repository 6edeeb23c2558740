"""Conversion of rows to tokens, with the tokens to learn."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.trainer.chat_template import ChatTemplate, SpecialTokenError, TemplateMismatchError
from pulumi_openai_ft.trainer.rows import Chat, RowError, read_chat, read_preference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

    Span = tuple[int, int]

IGNORED = -100  # the label of tokens without loss, by PyTorch's convention


@dataclass(frozen=True)
class TokenizedRow:
    """A row for a trl trainer.

    Attributes:
        columns: Lists of token ids, by the name of the column.
        tokens: Number of tokens that the model reads.
        truncated: Whether the row was longer than the maximum.
    """

    columns: dict[str, list[int]]
    tokens: int
    truncated: bool


class Tokenization:
    """Converts lines of a training file."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        self._template = ChatTemplate(tokenizer)
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._special = set(tokenizer.all_special_ids)

    def supervised(self, line: bytes) -> TokenizedRow:
        """Convert a row for supervised training to `input_ids` and `labels`. Raise RowError if it cannot be trained."""
        chat = read_chat(line)
        try:
            ids, labels = self._tokenize(chat)
        except (TemplateMismatchError, SpecialTokenError) as error:
            raise RowError(str(error)) from error
        ids, kept = ids[: self._max_length], labels[: self._max_length]
        if all(label == IGNORED for label in kept):
            raise RowError(
                f"the first {self._max_length} tokens, the maximum of a row, contain no assistant message to learn"
            )
        return TokenizedRow({"input_ids": ids, "labels": kept}, len(ids), truncated=len(labels) > len(ids))

    def dpo(self, line: bytes) -> TokenizedRow:
        """Convert a DPO row to `prompt_ids`, `chosen_ids` and `rejected_ids`. Raise RowError if it cannot be trained."""
        row = read_preference(line)
        try:
            chosen = self._tokenize_answer(row.prompt, row.preferred, "preferred_output[0]")
            rejected = self._tokenize_answer(row.prompt, row.non_preferred, "non_preferred_output[0]")
        except (TemplateMismatchError, SpecialTokenError) as error:
            raise RowError(str(error)) from error
        return self._preference(*chosen, *rejected)

    def _preference(
        self, chosen_ids: list[int], chosen_start: int, rejected_ids: list[int], rejected_start: int
    ) -> TokenizedRow:
        start = min(chosen_start, rejected_start, _common_length(chosen_ids, rejected_ids))
        if start >= self._max_length:
            raise RowError(f"input has {start} tokens, but a row can have at most {self._max_length}")
        columns = {
            "prompt_ids": chosen_ids[:start],
            "chosen_ids": chosen_ids[start : self._max_length],
            "rejected_ids": rejected_ids[start : self._max_length],
        }
        tokens = 2 * start + len(columns["chosen_ids"]) + len(columns["rejected_ids"])
        return TokenizedRow(columns, tokens, truncated=tokens < len(chosen_ids) + len(rejected_ids))

    def _tokenize_answer(self, prompt: Chat, answer: dict[str, Any], path: str) -> tuple[list[int], int]:
        """Return the tokens of a chat with its answer, and the number of tokens before the answer."""
        self._template.check_special_tokens(prompt.messages, "input.messages")
        self._template.check_special_tokens(prompt.tools, "input.tools")
        self._template.check_special_tokens(answer, path)
        messages = [*prompt.messages, answer]
        self._template.check_complete(messages, prompt.tools)
        text = self._template.render(messages, prompt.tools)
        span = self._answer_span(messages, len(prompt.messages), prompt.tools, text)
        ids, labels = self._label(text, [span])
        learned = [index for index, label in enumerate(labels) if label != IGNORED]
        if not learned:
            raise RowError(f"{path} is empty")
        return ids[: learned[-1] + 1], learned[0]

    def _tokenize(self, chat: Chat) -> tuple[list[int], list[int]]:
        self._template.check_special_tokens(chat.messages, "messages")
        self._template.check_special_tokens(chat.tools, "tools")
        self._template.check_complete(chat.messages, chat.tools)
        text = self._template.render(chat.messages, chat.tools)
        spans = [self._answer_span(chat.messages, index, chat.tools, text) for index in chat.trained]
        return self._label(text, spans)

    def _answer_span(
        self, messages: Sequence[dict[str, Any]], index: int, tools: list[dict[str, Any]] | None, text: str
    ) -> Span:
        """Return the place of an assistant message in the text of its chat.

        Raises:
            TemplateMismatchError: The text before the message depends on later ones, so the model would be trained on
                another text than it reads when it answers.
        """
        before = self._template.render(messages[:index], tools, answer_follows=True)
        after = self._template.render(messages[: index + 1], tools)
        if not (after.startswith(before) and text.startswith(after)):
            raise TemplateMismatchError(
                f"the chat template of the base model changes the text before messages[{index}] when messages follow, "
                "so it cannot be trained exactly; use a base model whose template only appends"
            )
        return len(before), len(after)

    def _label(self, text: str, spans: list[Span]) -> tuple[list[int], list[int]]:
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids: list[int] = encoded["input_ids"]
        offsets: list[Span] = encoded["offset_mapping"]
        starts = [start for start, _ in offsets]
        labels = [IGNORED] * len(ids)
        for begin, end in spans:
            first, last = bisect_left(starts, begin), bisect_left(starts, end)
            last = first + self._end_of_turn(text, ids[first:last], offsets[first:last])
            labels[first:last] = ids[first:last]
        return ids, labels

    def _end_of_turn(self, text: str, ids: list[int], offsets: list[Span]) -> int:
        """Return the number of tokens without the white space after the last special token, which no answer contains."""
        blank = sum(1 for _ in takewhile(lambda place: not text[slice(*place)].strip(), reversed(offsets)))
        end = len(ids) - blank
        return end if end > 0 and ids[end - 1] in self._special else len(ids)


def _common_length(one: list[int], other: list[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
