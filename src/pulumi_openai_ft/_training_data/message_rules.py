"""Rules for the content of messages: texts, images, tool calls and tool declarations."""

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
    """Return a value as JSON, cut to 40 characters, for a message."""
    if value is None:
        return "missing or null"
    if isinstance(value, dict | list) and value:
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value[: LONGEST_SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=True)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


class RowProblems:
    """The problems of a row.

    Attributes:
        found: Problems found so far.
        images: Number of images found so far.
    """

    def __init__(self, line: int) -> None:
        self.found: list[Problem] = []
        self.images = 0
        self._line = line

    def add(self, kind: str, reason: str, path: str = "") -> None:
        """Add a problem."""
        self.found.append(Problem(kind, reason, self._line, path))

    def require_text(
        self, parent: dict[str, Any], key: str, path: str, kind: str, *, is_trained_on: bool = True
    ) -> str | None:
        """Return the value of a key that must be a string, or add a problem of `kind` and return None."""
        value = parent.get(key)
        if not isinstance(value, str):
            self.add(kind, f"is {truncated_repr(value)}, not a string", f"{path}.{key}")
            return None
        if is_trained_on:
            self.check_text(value, f"{path}.{key}")
        return value

    def check_text(self, text: str, path: str) -> None:
        """Check a text that is tokenized."""
        if "<|" in text and (token := SPECIAL_TOKEN.search(text)):
            self.add("special_token", f"contains the special token {token[0]}", path)
        if not text.isascii() and not _is_encodable(text):
            self.add("lone_surrogate", "contains an unpaired surrogate, such as \\ud83d", path)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_content(problems: RowProblems, message: dict[str, Any], path: str) -> None:
    """Check the `content` of a message.

    It is optional for an assistant message with calls or a refusal, and for a function message.
    """
    content, role, path = message.get("content"), message["role"], f"{path}.content"
    has_output = any(message.get(key) for key in ("tool_calls", "function_call", "refusal"))
    if isinstance(content, str):
        problems.check_text(content, path)
    elif isinstance(content, list) and content:
        for index, part in enumerate(content):
            _check_part(problems, part, f"{path}[{index}]", PARTS.get(role, ("text",)))
    elif content is not None or not (role == "function" or (role == "assistant" and has_output)):
        problems.add("content", f"is {truncated_repr(content)}, not a string or a list of parts", path)


def _check_part(problems: RowProblems, part: Any, path: str, types: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        problems.add("content", f"is {truncated_repr(part)}, not an object with a type", path)
        return
    kind = part.get("type")
    if kind not in types:
        problems.add("content", f"is {truncated_repr(kind)}, not {' or '.join(types)}", f"{path}.type")
    elif kind == "image_url":
        _check_image(problems, part.get(kind), f"{path}.{kind}")
    else:
        problems.require_text(part, kind, path, "content")


def _check_image(problems: RowProblems, image: Any, path: str) -> None:
    problems.images += 1
    if not isinstance(image, dict) or not isinstance(url := image.get("url"), str):
        problems.add("image", "is not an object with a url", path)
        return
    detail = image.get("detail", "auto")
    if detail not in DETAILS:
        problems.add("image", f"is {truncated_repr(detail)}, not {', '.join(DETAILS)}", f"{path}.detail")
    if not is_image(url):
        problems.add(
            "image",
            "is neither a web URL nor a base64 data URL of a JPEG, PNG or WEBP file of up to "
            f"{MOST_IMAGE_BYTES / 2**20:.0f} MB",
            f"{path}.url",
        )


def calls_of(message: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls in a message that are objects, each with its path."""
    if isinstance(call := message.get("function_call"), dict):
        yield f"{path}.function_call", call
    calls = message.get("tool_calls")
    for index, item in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(item, dict) and isinstance(call := item.get("function"), dict):
            yield f"{path}.tool_calls[{index}].function", call


def check_calls(problems: RowProblems, message: dict[str, Any], path: str) -> None:
    """Check the `tool_calls` of a message and its deprecated `function_call`."""
    keys = [key for key in ("function_call", "tool_calls") if message.get(key) is not None]
    for key in keys:
        if message["role"] != "assistant":
            problems.add("tool_call", f"is set on a {message['role']} message", f"{path}.{key}")
    _check_call_types(problems, message, path)
    for call_path, call in calls_of(message, path):
        problems.require_text(call, "name", call_path, "tool_call")
        arguments = problems.require_text(call, "arguments", call_path, "arguments")
        if arguments is not None and not _is_json(arguments):
            problems.add(
                "arguments",
                f"is {truncated_repr(arguments)}, which is not valid JSON",
                f"{call_path}.arguments",
            )


def _check_call_types(problems: RowProblems, message: dict[str, Any], path: str) -> None:
    """Check that calls are objects, in a list where the API requires a list."""
    call, calls = message.get("function_call"), message.get("tool_calls")
    if call is not None and not isinstance(call, dict):
        problems.add("tool_call", f"is {truncated_repr(call)}, not an object", f"{path}.function_call")
    if calls is not None and (not isinstance(calls, list) or not calls):
        problems.add(
            "tool_call", f"is {truncated_repr(calls)}, not a non-empty list of calls", f"{path}.tool_calls"
        )
        return
    for index, item in enumerate(calls or ()):
        item_path = f"{path}.tool_calls[{index}]"
        if not isinstance(item, dict):
            problems.add("tool_call", f"is {truncated_repr(item)}, not an object", item_path)
            continue
        problems.require_text(item, "id", item_path, "tool_call", is_trained_on=False)
        _check_function_of(problems, item, item_path, "tool_call")


def _check_function_of(problems: RowProblems, item: dict[str, Any], path: str, kind: str) -> bool:
    if item.get("type") != "function":
        problems.add(kind, f'is {truncated_repr(item.get("type"))}, not "function"', f"{path}.type")
    if not isinstance(item.get("function"), dict):
        problems.add(kind, f"is {truncated_repr(item.get('function'))}, not an object", f"{path}.function")
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def check_tools(problems: RowProblems, parent: dict[str, Any], prefix: str) -> set[str]:
    """Check the tool declarations of a row.

    Returns:
        Names of the declared functions.
    """
    if not isinstance(parent.get("parallel_tool_calls", True), bool):
        problems.add("tool", "is not true or false", f"{prefix}parallel_tool_calls")
    tools, functions = parent.get("tools"), parent.get("functions")
    names: list[str] = []
    if tools is not None:
        names += _check_tools(problems, tools, f"{prefix}tools")
    if functions is not None:
        names += _check_functions(problems, functions, f"{prefix}functions")
    if "<|" in (text := json.dumps([tools, functions], ensure_ascii=False)):
        problems.check_text(text, f"{prefix}tools")
    return set(names)


def _check_tools(problems: RowProblems, tools: Any, path: str) -> Iterator[str]:
    if not isinstance(tools, list):
        problems.add("tool", f"is {truncated_repr(tools)}, not a list", path)
        return
    for index, item in enumerate(tools):
        item_path = f"{path}[{index}]"
        if not isinstance(item, dict):
            problems.add("tool", f"is {truncated_repr(item)}, not an object", item_path)
        elif _check_function_of(problems, item, item_path, "tool"):
            yield from _check_function(problems, item["function"], f"{item_path}.function")


def _check_functions(problems: RowProblems, functions: Any, path: str) -> Iterator[str]:
    if not isinstance(functions, list) or not functions:
        problems.add("tool", f"is {truncated_repr(functions)}, not a non-empty list of functions", path)
        return
    if len(functions) > MOST_FUNCTIONS:
        problems.add("tool", f"has {len(functions)} functions, more than {MOST_FUNCTIONS}", path)
    for index, item in enumerate(functions):
        if isinstance(item, dict):
            yield from _check_function(problems, item, f"{path}[{index}]")
        else:
            problems.add("tool", f"is {truncated_repr(item)}, not an object", f"{path}[{index}]")


def _check_function(problems: RowProblems, function: dict[str, Any], path: str) -> Iterator[str]:
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not FUNCTION_NAME.fullmatch(name):
        problems.add(
            "tool", f"is {truncated_repr(name)}, not 1 to 64 letters, digits, _ or -", f"{path}.name"
        )
    else:
        yield name
    if parameters is not None and not isinstance(parameters, dict):
        problems.add(
            "tool", f"is {truncated_repr(parameters)}, not a JSON Schema object", f"{path}.parameters"
        )
    if function.get("strict") not in (None, True, False):
        problems.add("tool", f"is {truncated_repr(function['strict'])}, not true or false", f"{path}.strict")
