"""The rules for a row of training data, for each of OpenAI's three methods.

If the service's behavior is unknown, a row passes: unknown keys of a message, tool calls without a tool message, lone
surrogates. Where users reported a rejection, a row is rejected: extra keys of a row, and lists in tool messages.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from pulumi_openai_ft.server.api_limits import LIMITS
from pulumi_openai_ft.server.tool_text import tool_text

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_IMAGES_PER_ROW = {"azure": LIMITS["images_in_row_at_azure"]}
OTHER_MAX_IMAGES_PER_ROW = LIMITS["images_in_row"]
MAX_IMAGE_BYTES = LIMITS["image_bytes"]
MAX_FUNCTIONS = LIMITS["functions_in_row"]
MAX_ROW_BYTES = LIMITS["row_bytes"]

_CHAT_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_CHAT_KEYS = ("messages", "tools", "functions", "parallel_tool_calls")
_PAIR_KEYS = ("input", "preferred_output", "non_preferred_output")
_REINFORCEMENT_ROLES = frozenset({"developer", "user", "assistant", "tool"})
_PART_TYPES = {"user": ("text", "image_url"), "assistant": ("text", "refusal")}
_SPECIAL_TOKEN = re.compile(
    r"<\|(?:endoftext|endofprompt|fim_prefix|fim_middle|fim_suffix|im_start|im_end|im_sep)\|>"
)
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_IMAGE_DATA = re.compile(r"data:image/(?:jpeg|png|webp);base64,", re.IGNORECASE)


class RowFaultError(Exception):
    """A row violates a rule. The message names the location in the row and the rule."""


@dataclass(frozen=True)
class Row:
    """The parts of a row used for training, for any method."""

    messages: list[dict[str, Any]]
    tools: list[Any]
    functions: list[Any]

    def texts(self) -> Iterator[str]:
        """Yield all texts that are tokenized."""
        for message in self.messages:
            yield from _message_texts(message)
        if self.tools or self.functions:
            yield tool_text([*(tool["function"] for tool in self.tools), *self.functions])

    def images(self) -> list[dict[str, Any]]:
        """Return the `image_url` objects (url, detail) of all messages."""
        parts = (part for message in self.messages for part in _parts(message))
        return [part["image_url"] for part in parts if part["type"] == "image_url"]


def read_row(line: bytes, method: str, service: str = "openai") -> Row:
    """Parse and validate a line of a file.

    Args:
        line: The line.
        method: supervised, dpo or reinforcement.
        service: Service whose rules apply.

    Raises:
        RowFaultError: The line violates a rule.
    """
    try:
        row = _METHODS[method](_parse(line))
        texts = [*row.texts(), json.dumps([row.tools, row.functions], ensure_ascii=False)]
    except RecursionError as error:
        raise RowFaultError("the row is nested too deeply") from error
    _check_images(row.images(), MAX_IMAGES_PER_ROW.get(service, OTHER_MAX_IMAGES_PER_ROW))
    if service == "azure":
        _check_results(row, method)
    for text in texts:
        if token := _SPECIAL_TOKEN.search(text):
            _fault("a text", f"contains the special token {token[0]}, which is not allowed")
    return row


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_ROW_BYTES:
        _fault("the row", f"is longer than {MAX_ROW_BYTES} bytes")
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise RowFaultError(f"byte {error.start + 1} is not UTF-8") from error
    except ValueError as error:
        raise RowFaultError(f"not valid JSON ({error})") from error
    return _object(row, "the row")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _fault(where: str, rule: str) -> NoReturn:
    raise RowFaultError(f"{where} {rule}")


def _truncated_json(value: Any) -> str:
    return json.dumps(value)[:40]


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _fault(where, "must be an object")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        _fault(where, "must be a list with at least one item")
    return value


def _refuse_extra_keys(row: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in row:
        if key not in known:
            _fault("the row", f"contains an extra key {_truncated_json(key)}")


def _string(holder: dict[str, Any], key: str, where: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str):
        _fault(f"{where}.{key}", "must be a string")
    return value


def _supervised(row: dict[str, Any]) -> Row:
    if "messages" not in row and "prompt" in row:
        _fault("messages", "is missing: prompt and completion are the format of retired models")
    _refuse_extra_keys(row, _CHAT_KEYS)
    messages = _messages(row, "", _CHAT_ROLES)
    if not any(message["role"] == "assistant" and message.get("weight") != 0 for message in messages):
        _fault("messages", "must contain an assistant message whose weight is not 0")
    if messages[-1]["role"] != "assistant":
        _fault("messages", "must end with an assistant message")
    return Row(messages, *_tools(row, ""))


def _preference(row: dict[str, Any]) -> Row:
    if "preferred_completion" in row or "non_preferred_completion" in row:
        _fault("preferred_completion", "is a former name: use preferred_output and non_preferred_output")
    _refuse_extra_keys(row, _PAIR_KEYS)
    inputs = _object(row.get("input"), "input")
    messages = _messages(inputs, "input.", _CHAT_ROLES)
    outputs = [_output(row, key) for key in ("preferred_output", "non_preferred_output")]
    result = Row(messages + outputs, *_tools(inputs, "input."))
    if result.images():
        _fault("input.messages", "must not contain images with dpo")
    return result


def _output(row: dict[str, Any], key: str) -> dict[str, Any]:
    messages = _list(row.get(key), key)
    if len(messages) > 1:
        _fault(key, f"must contain exactly one assistant message, not {len(messages)}")
    return _message(messages[0], f"{key}[0]", frozenset({"assistant"}))


def _reinforcement(row: dict[str, Any]) -> Row:
    messages = _messages(row, "", _REINFORCEMENT_ROLES)
    if messages[-1]["role"] != "user":
        _fault("messages", "must end with a user message")
    return Row(messages, *_tools(row, ""))


_METHODS = {"supervised": _supervised, "dpo": _preference, "reinforcement": _reinforcement}


def _messages(holder: dict[str, Any], prefix: str, roles: frozenset[str]) -> list[dict[str, Any]]:
    where = f"{prefix}messages"
    items = _list(holder.get("messages"), where)
    return [_message(item, f"{where}[{index}]", roles) for index, item in enumerate(items)]


def _message(value: Any, where: str, roles: frozenset[str]) -> dict[str, Any]:
    message = _object(value, where)
    role = message.get("role")
    if not isinstance(role, str) or role not in roles:
        _fault(f"{where}.role", f"must be one of {', '.join(sorted(roles))}, not {_truncated_json(role)}")
    _check_content(message, where)
    _check_calls(message, where)
    if role == "tool":
        _string(message, "tool_call_id", where)
    if role == "function" or message.get("name") is not None:
        _string(message, "name", where)
    if "weight" in message:
        _check_weight(message, where)
    return message


def _check_weight(message: dict[str, Any], where: str) -> None:
    weight = message["weight"]
    if message["role"] != "assistant" or isinstance(weight, bool) or weight not in (0, 1):
        _fault(f"{where}.weight", "must be 0 or 1, on an assistant message")


def _check_content(message: dict[str, Any], where: str) -> None:
    content, role = message.get("content"), message["role"]
    speaks = any(message.get(key) for key in ("tool_calls", "function_call", "refusal"))
    if isinstance(content, str) or (
        content is None and (role == "function" or (role == "assistant" and speaks))
    ):
        return
    if not isinstance(content, list) or not content:
        _fault(f"{where}.content", f"must be a string or a list of parts, not {_truncated_json(content)}")
    if role in ("tool", "function"):
        _fault(f"{where}.content", "must be a string, not a list of parts")
    for index, part in enumerate(content):
        _check_part(part, f"{where}.content[{index}]", _PART_TYPES.get(role, ("text",)))


def _check_part(value: Any, where: str, types: tuple[str, ...]) -> None:
    part = _object(value, where)
    kind = part.get("type")
    if kind not in types:
        _fault(f"{where}.type", f"must be {' or '.join(types)} here, not {_truncated_json(kind)}")
    if kind == "image_url":
        _string(_object(part.get(kind), f"{where}.image_url"), "url", f"{where}.image_url")
    else:
        _string(part, kind, where)


def _check_results(row: Row, method: str) -> None:
    """Require a result for each call, except for calls at the end, as Azure does ("contains invalid schema")."""
    is_pair = method == "dpo"
    chat = row.messages[:-2] if is_pair else row.messages
    unanswered: dict[str, None] = {}
    for index, message in enumerate(chat):
        if message["role"] == "tool":
            unanswered.pop(message["tool_call_id"], None)
        elif is_pair or index < len(chat) - 1:
            unanswered |= {call["id"]: None for call in message.get("tool_calls") or ()}
    for call_id in unanswered:
        _fault("messages", f"contain invalid schema: the call {call_id} has no tool message")


def _check_images(images: list[dict[str, Any]], most: int) -> None:
    if len(images) > most:
        _fault("messages", f"contain {len(images)} images, more than {most}")
    for image in images:
        _check_image(image["url"], image.get("detail", "auto"))


def _check_image(url: str, detail: Any) -> None:
    if detail not in ("auto", "low", "high"):
        _fault("image_url.detail", f"must be auto, low or high, not {_truncated_json(detail)}")
    if url.lower().startswith(("https://", "http://")):
        return
    data = _IMAGE_DATA.match(url)
    if not data:
        _fault("image_url.url", "must be an http(s) or a base64 data URL of a JPEG, PNG or WEBP image")
    if (len(url) - data.end()) * 3 // 4 > MAX_IMAGE_BYTES:
        _fault("image_url.url", f"is an image of more than {MAX_IMAGE_BYTES} bytes")


def _check_calls(message: dict[str, Any], where: str) -> None:
    calls = _calls(message, where)
    if calls and message["role"] != "assistant":
        _fault(where, "calls a tool, which only assistant messages may do")
    for path, call in calls.items():
        _check_call(_object(call, path), path)


def _calls(message: dict[str, Any], where: str) -> dict[str, Any]:
    calls: dict[str, Any] = {}
    if message.get("function_call") is not None:
        calls[f"{where}.function_call"] = message["function_call"]
    if message.get("tool_calls") is not None:
        for index, item in enumerate(_list(message["tool_calls"], f"{where}.tool_calls")):
            path = f"{where}.tool_calls[{index}]"
            _string(_object(item, path), "id", path)
            calls[f"{path}.function"] = _function_of(item, path)
    return calls


def _check_call(call: dict[str, Any], where: str) -> None:
    _string(call, "name", where)
    try:
        json.loads(_string(call, "arguments", where))
    except ValueError:
        _fault(f"{where}.arguments", "must be a string with valid JSON")


def _function_of(item: dict[str, Any], where: str) -> Any:
    if item.get("type") != "function":
        _fault(f"{where}.type", f'must be "function", not {_truncated_json(item.get("type"))}')
    return item.get("function")


def _tools(holder: dict[str, Any], prefix: str) -> tuple[list[Any], list[Any]]:
    if not isinstance(holder.get("parallel_tool_calls", True), bool):
        _fault(f"{prefix}parallel_tool_calls", "must be true or false")
    tools = _list(holder["tools"], f"{prefix}tools") if holder.get("tools") not in (None, []) else []
    functions = (
        _list(holder["functions"], f"{prefix}functions") if holder.get("functions") is not None else []
    )
    if len(functions) > MAX_FUNCTIONS:
        _fault(f"{prefix}functions", f"has {len(functions)} items, more than {MAX_FUNCTIONS}")
    for index, item in enumerate(tools):
        path = f"{prefix}tools[{index}]"
        _check_function(_function_of(_object(item, path), path), f"{path}.function")
    for index, item in enumerate(functions):
        _check_function(item, f"{prefix}functions[{index}]")
    return tools, functions


def _check_function(value: Any, where: str) -> None:
    function = _object(value, where)
    if not _FUNCTION_NAME.fullmatch(_string(function, "name", where)):
        _fault(f"{where}.name", "must be 1 to 64 letters, digits, _ or -")
    if function.get("parameters") is not None:
        _object(function["parameters"], f"{where}.parameters")
    if function.get("strict") not in (None, True, False):
        _fault(f"{where}.strict", "must be true or false")


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _message_texts(message: dict[str, Any]) -> Iterator[str]:
    yield message["role"]
    yield from (message[key] for key in ("content", "name", "refusal") if isinstance(message.get(key), str))
    yield from (part[part["type"]] for part in _parts(message) if part["type"] != "image_url")
    for call in _calls(message, "").values():
        yield call["name"]
        yield call["arguments"]
