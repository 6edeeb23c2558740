"""Rendering of chats with a model's template, and the checks that keep training and answers consistent with it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from pulumi_openai_ft.trainer.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from transformers import PreTrainedTokenizerBase

    _Marked = Callable[[str, str], str]  # adds a mark to a text, and remembers the path of the text

_UNKNOWN_CHARACTER = "\U0010fffe"
_TOOL_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_MARK = "q7mark"  # letters and digits, which no template escapes


class TemplateMismatchError(Exception):
    """The template cannot represent a chat. The message is a clause without the position of the chat."""


class SpecialTokenError(Exception):
    """A text contains a special token. The message is a clause."""


class ChatTemplate:
    """The chat template of a tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.chat_template:
            raise TrainingError(
                "invalid_base_model",
                "The base model has no chat template: use an instruction-tuned model, "
                "or add chat_template.jinja to its folder.",
                "model",
            )
        self.tokenizer = tokenizer
        self._special = _special_tokens(tokenizer)

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        *,
        answer_follows: bool = False,
    ) -> str:
        """Return the text of a chat.

        Args:
            messages: Messages in the form of chat templates.
            tools: Declared tools.
            answer_follows: Whether to end with the start of an assistant message.

        Raises:
            TemplateMismatchError: The template refuses the chat.
        """
        try:
            text: str = self.tokenizer.apply_chat_template(
                list(messages), tools=tools, tokenize=False, add_generation_prompt=answer_follows
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise TemplateMismatchError(
                f"the chat template of the base model refuses this chat: {str(error).rstrip('.')}"
            ) from error
        return text

    def writes_tool_calls(self) -> bool:
        """Return whether the template writes tool calls as `<tool_call>{"name": …, "arguments": {…}}</tool_call>`."""
        called = {"name": "look_up", "arguments": {"city": "Oslo", "days": 2}}
        calls = [{"id": "call00000", "type": "function", "function": called}]
        chat: list[dict[str, Any]] = [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "", "tool_calls": calls},
        ]
        tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
        try:
            text = self.render(chat, tools)
        except TemplateMismatchError:
            return False
        written = (_json(found) for found in _TOOL_CALL.findall(text))
        return called in written

    def check_special_tokens(self, value: Any, path: str) -> None:
        """Raise SpecialTokenError if a text inside `value` contains a special token. `path` is the place of `value`."""
        for place, text in _texts(value, path):
            found = self._special & set(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            if found:
                token = self.tokenizer.convert_ids_to_tokens(min(found))
                raise SpecialTokenError(
                    f"{place} contains {token}, a special token of the base model; remove or rewrite it"
                )

    def check_complete(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        """Raise TemplateMismatchError if the template drops a text, a tool call or a tool of a chat.

        Each part of a copy of the chat is marked; the marks must occur in the copy's text.
        """
        marks: dict[str, str] = {}

        def marked(value: str, path: str) -> str:
            mark = f"{_MARK}{len(marks)}{_MARK}"
            marks[mark] = path
            return value + mark

        text = self.render(
            [_mark_message(message, f"messages[{index}]", marked) for index, message in enumerate(messages)],
            [_mark_function(tool, f"tools[{index}]", marked) for index, tool in enumerate(tools or [])]
            or None,
        )
        for mark, path in marks.items():
            if mark not in text:
                raise TemplateMismatchError(f"the chat template of the base model ignores {path}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _mark_message(message: Mapping[str, Any], path: str, marked: _Marked) -> dict[str, Any]:
    copy = dict(message)
    if message["content"]:
        copy["content"] = marked(message["content"], f"{path}.content")
    if message.get("tool_calls"):
        copy["tool_calls"] = [
            _mark_function(call, f"{path}.tool_calls[{index}]", marked)
            for index, call in enumerate(message["tool_calls"])
        ]
    return copy


def _mark_function(holder: Mapping[str, Any], path: str, marked: _Marked) -> dict[str, Any]:
    function = dict(holder["function"])
    function["name"] = marked(function["name"], path)
    if "arguments" in function:
        function["arguments"] = _mark_arguments(function["arguments"], f"{path}.function.arguments", marked)
    return {**holder, "function": function}


def _mark_arguments(arguments: Any, path: str, marked: _Marked) -> Any:
    return {**arguments, marked("", path): 0} if isinstance(arguments, dict) else marked(arguments, path)


def _special_tokens(tokenizer: PreTrainedTokenizerBase) -> set[int]:
    declared = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    unknown = tokenizer.unk_token_id
    # Without bytes as a fallback, an unknown character has this id, although its text is not a special token.
    is_stand_in = unknown in tokenizer(_UNKNOWN_CHARACTER, add_special_tokens=False)["input_ids"]
    return (declared | set(tokenizer.all_special_ids)) - ({unknown} if is_stand_in else set())


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _texts(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
