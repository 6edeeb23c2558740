"""Rows of a training file in the API's format, converted to the messages that chat templates expect."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from pulumi_openai_ft.trainer.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

Row = TypeVar("Row")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class RowError(Exception):
    """A problem of a row. The message is a clause without the row's line."""


@dataclass(frozen=True)
class Chat:
    """Messages and tools of a row.

    Attributes:
        messages: Messages in the form of chat templates.
        tools: Declared tools, or None.
        trained: Indexes of the messages to learn.
    """

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    trained: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Preference:
    """A DPO row: a chat, and two answers to it."""

    prompt: Chat
    preferred: dict[str, Any]
    non_preferred: dict[str, Any]


class _TextPart(msgspec.Struct):
    type: Literal["text"]
    text: str


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct):
    function: _Function
    id: str = ""


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[_TextPart] | None = None
    name: str | None = None
    refusal: str | None = None
    weight: int | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: _Function | None = None


class _Tool(msgspec.Struct):
    type: Literal["function"]
    function: dict[str, Any]


class _Chat(msgspec.Struct):
    messages: list[_Message]
    tools: list[_Tool] | None = None
    functions: list[dict[str, Any]] | None = None


class _Preference(msgspec.Struct):
    input: _Chat
    preferred_output: list[_Message]
    non_preferred_output: list[_Message]


_CHAT = msgspec.json.Decoder(_Chat)
_PREFERENCE = msgspec.json.Decoder(_Preference)
_ROLES = {"developer": "system", "function": "tool"}
_POSITION = re.compile(r"(?P<problem>.*) - at `\$\.?(?P<path>.*)`", re.DOTALL)


def convert_rows(file: Path, param: str, convert: Callable[[bytes], Row]) -> Iterator[Row]:
    """Convert the rows of a file, one at a time.

    Args:
        file: The file.
        param: Parameter of the job that names the file, for errors.
        convert: Converts a line, and raises RowError if it cannot.

    Raises:
        TrainingError: A row cannot be converted. The message contains its line.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            content = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if content.strip():
                try:
                    yield convert(content)
                except RowError as error:
                    name = param.replace("_", " ")
                    message = f"The job failed due to an invalid {name}. Line {number}: {error}."
                    raise TrainingError("invalid_file_format", message, param) from error


def read_chat(line: bytes) -> Chat:
    """Read a row for supervised training. Raise RowError if it is invalid or has nothing to learn."""
    chat = _chat(_decode(_CHAT, line))
    if not chat.trained:
        raise RowError("messages has no assistant message with weight 1, so there is nothing to learn")
    return chat


def convert_chat(messages: Any, tools: Any) -> Chat:
    """Convert messages and tools of a request, as those of a row. Raise RowError if they are invalid."""
    try:
        return _chat(msgspec.convert({"messages": messages, "tools": tools}, _Chat))
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def read_preference(line: bytes) -> Preference:
    """Read a row for DPO. Raise RowError if it is invalid."""
    row = _decode(_PREFERENCE, line)
    if not row.input.messages:
        raise RowError("input.messages is empty")
    return Preference(
        prompt=_chat(row.input),
        preferred=_answer("preferred_output", row.preferred_output),
        non_preferred=_answer("non_preferred_output", row.non_preferred_output),
    )


def _decode(decoder: msgspec.json.Decoder[Row], line: bytes) -> Row:
    try:
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RowError(f"not valid JSON: {error}") from error


def _invalid(error: msgspec.ValidationError) -> RowError:
    found = _POSITION.fullmatch(str(error))
    problem, path = (found["problem"], found["path"]) if found else (str(error), "")
    return RowError(f"{path or 'the row'} is invalid: {problem}")


def _answer(name: str, messages: list[_Message]) -> dict[str, Any]:
    if len(messages) != 1 or messages[0].role != "assistant":
        raise RowError(f"{name} must contain exactly one assistant message")
    return _template_message(messages[0], {})


def _chat(row: _Chat) -> Chat:
    names = {call.id: call.function.name for message in row.messages for call in message.tool_calls or []}
    return Chat(
        messages=[_template_message(message, names) for message in row.messages],
        tools=_tools(row),
        trained=[
            index
            for index, message in enumerate(row.messages)
            if message.role == "assistant" and message.weight != 0
        ],
    )


def _tools(row: _Chat) -> list[dict[str, Any]] | None:
    declared = [{"type": tool.type, "function": tool.function} for tool in row.tools or []]
    declared += [{"type": "function", "function": function} for function in row.functions or []]
    return declared or None


def _template_message(message: _Message, function_names: dict[str, str]) -> dict[str, Any]:
    """Return a message in the form of chat templates: text as one string, arguments as an object."""
    name = message.name or function_names.get(message.tool_call_id or "")
    optional = {
        "name": name,
        "tool_call_id": message.tool_call_id,
        "tool_calls": [_template_call(call.id, call.function) for call in _calls(message)],
    }
    found = {key: value for key, value in optional.items() if value}
    return {"role": _ROLES.get(message.role, message.role), "content": _text(message), **found}


def _calls(message: _Message) -> Iterable[_ToolCall]:
    if message.function_call is not None:
        return [_ToolCall(message.function_call)]
    return message.tool_calls or []


def _template_call(call_id: str, function: _Function) -> dict[str, Any]:
    called = {"name": function.name, "arguments": _arguments(function.arguments)}
    return {**({"id": call_id} if call_id else {}), "type": "function", "function": called}


def _arguments(text: str) -> Any:
    """Return the arguments as an object, which templates write as JSON. Text that is not an object stays as it is."""
    try:
        arguments = json.loads(text)
    except ValueError:
        return text
    return arguments if isinstance(arguments, dict) else text


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        return "".join(part.text for part in message.content)
    return message.content or message.refusal or ""
