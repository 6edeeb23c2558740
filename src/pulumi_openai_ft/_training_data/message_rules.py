"""The rules of what messages hold: texts, images, calls, declarations of tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._training_data.limits import (
    DETAILS,
    FUNCTION_NAME,
    MOST_FUNCTIONS,
    MOST_IMAGE_BYTES,
    PARTS,
    SPECIAL_TOKEN,
    is_image,
)
from pulumi_openai_ft._training_data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_SHOWN = 40


def truncated_repr(value: Any) -> str:
    """The beginning of a value, as JSON."""
    if value is None:
        return "missing or null"
    if isinstance(value, dict | list) and value:
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value[: LONGEST_SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=True)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


class RowProblems:
    """Collects what is wrong with one row.

    Attributes:
        problems: What was found so far.
        images: How many images were found so far.
    """

    def __init__(self, line: int) -> None:
        self.problems: list[Problem] = []
        self.images = 0
        self._line = line

    def fault(self, kind: str, reason: str, path: str = "") -> None:
        """Takes a problem."""
        self.problems.append(Problem(kind, reason, self._line, path))

    def text(
        self, holder: dict[str, Any], key: str, path: str, kind: str, *, is_trained_on: bool = True
    ) -> str | None:
        """The string that a key must hold, or None if it holds none."""
        value = holder.get(key)
        if not isinstance(value, str):
            self.fault(kind, f"is {truncated_repr(value)}, not a string", f"{path}.{key}")
            return None
        if is_trained_on:
            self.check_text(value, f"{path}.{key}")
        return value

    def check_text(self, text: str, path: str) -> None:
        """Looks at a text that becomes tokens."""
        if "<|" in text and (token := SPECIAL_TOKEN.search(text)):
            self.fault("special_token", f"holds the special token {token[0]}", path)
        if not text.isascii() and not _is_encodable(text):
            self.fault(
                "lone_surrogate", "holds half of a surrogate pair, as \\ud83d without its other half", path
            )


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_content(judge: RowProblems, message: dict[str, Any], path: str) -> None:
    """A message's `content`; an assistant that calls or refuses needs none, nor does a function's result."""
    content, role, path = message.get("content"), message["role"], f"{path}.content"
    speaks = any(message.get(key) for key in ("tool_calls", "function_call", "refusal"))
    if isinstance(content, str):
        judge.check_text(content, path)
    elif isinstance(content, list) and content:
        for index, part in enumerate(content):
            _check_part(judge, part, f"{path}[{index}]", PARTS.get(role, ("text",)))
    elif content is not None or not (role == "function" or (role == "assistant" and speaks)):
        judge.fault("content", f"is {truncated_repr(content)}, not a string or a list of parts", path)


def _check_part(judge: RowProblems, part: Any, path: str, types: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        judge.fault("content", f"is {truncated_repr(part)}, not an object with a type", path)
        return
    kind = part.get("type")
    if kind not in types:
        judge.fault("content", f"is {truncated_repr(kind)}, not {' or '.join(types)}", f"{path}.type")
    elif kind == "image_url":
        _check_image(judge, part.get(kind), f"{path}.{kind}")
    else:
        judge.text(part, kind, path, "content")


def _check_image(judge: RowProblems, image: Any, path: str) -> None:
    judge.images += 1
    if not isinstance(image, dict) or not isinstance(url := image.get("url"), str):
        judge.fault("image", "is not an object with a url", path)
        return
    detail = image.get("detail", "auto")
    if detail not in DETAILS:
        judge.fault("image", f"is {truncated_repr(detail)}, not {', '.join(DETAILS)}", f"{path}.detail")
    if not is_image(url):
        judge.fault(
            "image",
            f"is no web address and no base64 data of a JPEG, PNG or WEBP of up to {MOST_IMAGE_BYTES / 2**20:.0f} MB",
            f"{path}.url",
        )


def calls_of(message: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls of a message, each with its path, where they are objects."""
    if isinstance(call := message.get("function_call"), dict):
        yield f"{path}.function_call", call
    calls = message.get("tool_calls")
    for index, item in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(item, dict) and isinstance(call := item.get("function"), dict):
            yield f"{path}.tool_calls[{index}].function", call


def check_calls(judge: RowProblems, message: dict[str, Any], path: str) -> None:
    """A message's `tool_calls` and its deprecated `function_call`."""
    keys = [key for key in ("function_call", "tool_calls") if message.get(key) is not None]
    for key in keys:
        if message["role"] != "assistant":
            judge.fault("tool_call", f"is on a message of the {message['role']}", f"{path}.{key}")
    _check_forms(judge, message, path)
    for call_path, call in calls_of(message, path):
        judge.text(call, "name", call_path, "tool_call")
        arguments = judge.text(call, "arguments", call_path, "arguments")
        if arguments is not None and not _is_json(arguments):
            judge.fault(
                "arguments", f"are {truncated_repr(arguments)}, which is no JSON", f"{call_path}.arguments"
            )


def _check_forms(judge: RowProblems, message: dict[str, Any], path: str) -> None:
    """That what should be objects and lists are, where calls are."""
    call, calls = message.get("function_call"), message.get("tool_calls")
    if call is not None and not isinstance(call, dict):
        judge.fault("tool_call", f"is {truncated_repr(call)}, not an object", f"{path}.function_call")
    if calls is not None and (not isinstance(calls, list) or not calls):
        judge.fault("tool_call", f"are {truncated_repr(calls)}, not a list with calls", f"{path}.tool_calls")
        return
    for index, item in enumerate(calls or ()):
        item_path = f"{path}.tool_calls[{index}]"
        if not isinstance(item, dict):
            judge.fault("tool_call", f"is {truncated_repr(item)}, not an object", item_path)
            continue
        judge.text(item, "id", item_path, "tool_call", is_trained_on=False)
        _check_function_of(judge, item, item_path, "tool_call")


def _check_function_of(judge: RowProblems, item: dict[str, Any], path: str, kind: str) -> bool:
    if item.get("type") != "function":
        judge.fault(kind, f'is {truncated_repr(item.get("type"))}, not "function"', f"{path}.type")
    if not isinstance(item.get("function"), dict):
        judge.fault(kind, f"is {truncated_repr(item.get('function'))}, not an object", f"{path}.function")
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def check_tools(judge: RowProblems, holder: dict[str, Any], prefix: str) -> set[str]:
    """The declarations beside the messages: the names of what they declare."""
    if not isinstance(holder.get("parallel_tool_calls", True), bool):
        judge.fault("tool", "is not true or false", f"{prefix}parallel_tool_calls")
    tools, functions = holder.get("tools"), holder.get("functions")
    names: list[str] = []
    if tools is not None:
        names += _check_tools(judge, tools, f"{prefix}tools")
    if functions is not None:
        names += _check_functions(judge, functions, f"{prefix}functions")
    if "<|" in (text := json.dumps([tools, functions], ensure_ascii=False)):
        judge.check_text(text, f"{prefix}tools")
    return set(names)


def _check_tools(judge: RowProblems, tools: Any, path: str) -> Iterator[str]:
    if not isinstance(tools, list):
        judge.fault("tool", f"are {truncated_repr(tools)}, not a list", path)
        return
    for index, item in enumerate(tools):
        item_path = f"{path}[{index}]"
        if not isinstance(item, dict):
            judge.fault("tool", f"is {truncated_repr(item)}, not an object", item_path)
        elif _check_function_of(judge, item, item_path, "tool"):
            yield from _check_function(judge, item["function"], f"{item_path}.function")


def _check_functions(judge: RowProblems, functions: Any, path: str) -> Iterator[str]:
    if not isinstance(functions, list) or not functions:
        judge.fault("tool", f"are {truncated_repr(functions)}, not a list of functions", path)
        return
    if len(functions) > MOST_FUNCTIONS:
        judge.fault("tool", f"are {len(functions)}, more than {MOST_FUNCTIONS}", path)
    for index, item in enumerate(functions):
        if isinstance(item, dict):
            yield from _check_function(judge, item, f"{path}[{index}]")
        else:
            judge.fault("tool", f"is {truncated_repr(item)}, not an object", f"{path}[{index}]")


def _check_function(judge: RowProblems, function: dict[str, Any], path: str) -> Iterator[str]:
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not FUNCTION_NAME.fullmatch(name):
        judge.fault("tool", f"is {truncated_repr(name)}, not 1 to 64 letters, digits, _ or -", f"{path}.name")
    else:
        yield name
    if parameters is not None and not isinstance(parameters, dict):
        judge.fault("tool", f"are {truncated_repr(parameters)}, not a JSON Schema", f"{path}.parameters")
    if function.get("strict") not in (None, True, False):
        judge.fault("tool", f"is {truncated_repr(function['strict'])}, not true or false", f"{path}.strict")
