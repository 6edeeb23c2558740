"""Rules for the content of messages: texts, images, tool calls and tool declarations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._training_data.images import image_fault
from pulumi_openai_ft._training_data.limits import (
    ANY_MESSAGE_KEYS,
    CALL_KEYS,
    CALLED_KEYS,
    DETAILS,
    FUNCTION_KEYS,
    FUNCTION_NAME,
    IMAGE_KEYS,
    MESSAGE_KEYS,
    MESSAGE_NAME,
    MOST_FUNCTIONS,
    PART_KEYS,
    PARTS,
    SPECIAL_TOKEN,
    TOOL_KEYS,
)
from pulumi_openai_ft._training_data.problems import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_SHOWN = 40
NUL = "\\u0000"
"""A NUL character in JSON. An escaped backslash before it only leads to a needless warning."""


def truncated_repr(value: Any) -> str:
    """Return a value as JSON, cut to 40 characters, for a message. Only unprintable characters are escaped."""
    if value is None:
        return "missing or null"
    if isinstance(value, dict | list) and value:
        return "an object" if isinstance(value, dict) else "a list"
    text = printable(
        json.dumps(value[: LONGEST_SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=False)
    )
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def printable(text: str) -> str:
    """Return a text with its unprintable characters as escapes of JSON, such as control codes of terminals."""
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


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

    @property
    def has_errors(self) -> bool:
        """Return whether any problem found so far is an error."""
        return any(problem.severity is Severity.ERROR for problem in self.found)

    def add(self, kind: str, reason: str, path: str = "") -> None:
        """Add a problem."""
        self.found.append(Problem(kind, reason, self._line, path))

    def check_keys(
        self,
        parent: dict[str, Any],
        known: frozenset[str],
        path: str = "",
        *,
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        """Report keys that the format does not define.

        Args:
            parent: The object.
            known: Keys that it may have.
            path: Path of the object.
            elsewhere: Keys that similar objects may have, which are reported only if they are not null.
        """
        for key in parent.keys() - known:
            if key not in elsewhere or parent[key] is not None:
                shown = printable(key if len(key) <= LONGEST_SHOWN else f"{key[: LONGEST_SHOWN - 1]}…")
                self.add("unknown_key", "is not a key of the format", f"{path}.{shown}" if path else shown)

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
        if "\0" in text:
            self.add("nul", "contains a NUL character", path)
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
        if role in ("tool", "function"):
            problems.add("tool_content", "is a list of parts, not a string", path)
        for index, part in enumerate(content):
            _check_part(problems, part, f"{path}[{index}]", PARTS.get(role, ("text",)))
    elif content is not None or not (role == "function" or (role == "assistant" and has_output)):
        problems.add("content", f"is {truncated_repr(content)}, not a string or a list of parts", path)
        return
    if role == "assistant" and not has_output and _is_blank(content):
        problems.add("empty_reply", "is empty", path)


def _is_blank(content: Any) -> bool:
    """Return whether a content has only white space. A refusal is content."""
    if isinstance(content, str):
        return not content.strip()
    texts = [
        part.get("text", "") for part in content if isinstance(part, dict) and part.get("type") == "text"
    ]
    return len(texts) == len(content) and not any(isinstance(text, str) and text.strip() for text in texts)


def check_message_keys(problems: RowProblems, message: dict[str, Any], path: str) -> None:
    """Check the keys of a message. `weight` and calls have rules of their own."""
    reported = frozenset({"weight", "tool_calls", "function_call"})
    problems.check_keys(message, MESSAGE_KEYS[message["role"]] | reported, path, elsewhere=ANY_MESSAGE_KEYS)


def check_name(problems: RowProblems, message: dict[str, Any], path: str) -> None:
    """Check the `name` of a message, which must be a string."""
    name = problems.require_text(message, "name", path, "name")
    if name is not None and not MESSAGE_NAME.fullmatch(name):
        problems.add(
            "name_characters",
            f"is {truncated_repr(name)}, not 1 to 64 characters without spaces and special characters",
            f"{path}.name",
        )


def _check_part(problems: RowProblems, part: Any, path: str, types: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        problems.add("content", f"is {truncated_repr(part)}, not an object with a type", path)
        return
    kind = part.get("type")
    if kind not in types:
        problems.add("content", f"is {truncated_repr(kind)}, not {' or '.join(types)}", f"{path}.type")
        return
    problems.check_keys(part, frozenset({"type", kind}), path, elsewhere=PART_KEYS)
    if kind == "image_url":
        _check_image(problems, part.get(kind), f"{path}.{kind}")
    else:
        problems.require_text(part, kind, path, "content")


def _check_image(problems: RowProblems, image: Any, path: str) -> None:
    problems.images += 1
    if not isinstance(image, dict) or not isinstance(url := image.get("url"), str):
        problems.add("image", "is not an object with a url", path)
        return
    problems.check_keys(image, IMAGE_KEYS, path)
    detail = image.get("detail", "auto")
    if detail not in DETAILS:
        problems.add("image", f"is {truncated_repr(detail)}, not {', '.join(DETAILS)}", f"{path}.detail")
    if fault := image_fault(url):
        problems.add(fault.kind, fault.reason, f"{path}.url")


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
        problems.check_keys(call, CALLED_KEYS, call_path)
        problems.require_text(call, "name", call_path, "tool_call")
        arguments = problems.require_text(call, "arguments", call_path, "arguments")
        if arguments is not None:
            _check_arguments(problems, arguments, f"{call_path}.arguments")


def _check_arguments(problems: RowProblems, arguments: str, path: str) -> None:
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        problems.add("arguments", f"is {truncated_repr(arguments)}, which is not valid JSON", path)
        return
    if not isinstance(value, dict):
        names = {str: "string", list: "list", bool: "boolean", int: "number", float: "number"}
        problems.add("arguments_type", f"is a JSON {names.get(type(value), 'null')}, not a JSON object", path)


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
        problems.check_keys(item, CALL_KEYS, item_path)
        problems.require_text(item, "id", item_path, "tool_call", is_trained_on=False)
        _check_function_of(problems, item, item_path, "tool_call")


def _check_function_of(problems: RowProblems, item: dict[str, Any], path: str, kind: str) -> bool:
    if item.get("type") != "function":
        problems.add(kind, f'is {truncated_repr(item.get("type"))}, not "function"', f"{path}.type")
    if not isinstance(item.get("function"), dict):
        problems.add(kind, f"is {truncated_repr(item.get('function'))}, not an object", f"{path}.function")
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
    text = json.dumps([tools, functions], ensure_ascii=False)
    if "<|" in text or NUL in text:
        problems.check_text(text.replace(NUL, "\0"), f"{prefix}tools")
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
            problems.check_keys(item, TOOL_KEYS, item_path)
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
    problems.check_keys(function, FUNCTION_KEYS, path)
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
