"""Rules for rows, which find every problem of a row and its path.

A problem is only a warning if the service is not known to reject it.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pulumi_openai_ft._training_data.foreign_formats import foreign_format, is_preference
from pulumi_openai_ft._training_data.limits import (
    AZURE,
    CHAT_ROLES,
    PREFERENCE_KEYS,
    REINFORCEMENT_ROLES,
    ROW_KEYS,
    most_images,
)
from pulumi_openai_ft._training_data.message_rules import (
    RowProblems,
    calls_of,
    check_calls,
    check_content,
    check_message_keys,
    check_name,
    check_tools,
    truncated_repr,
)
from pulumi_openai_ft._training_data.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Located: TypeAlias = tuple[str, dict[str, Any]]
"""The path of a message, and the message."""


def row_problems(row: Any, method: str, line: int, service: str = "openai") -> list[Problem]:
    """Return all problems of a row.

    Args:
        row: The parsed row.
        method: Training method, an item of `METHODS`.
        line: Line number of the row.
        service: Name of the service, whose limits apply.

    Raises:
        UnreadableRowError: The row is nested too deeply.
    """
    problems = RowProblems(line)
    if not isinstance(row, dict):
        problems.add("row", f"is {truncated_repr(row)}, not an object")
        return problems.found
    if (reason := foreign_format(row, method)) is not None:
        problems.add("format", reason)
        return problems.found
    try:
        _METHODS[method](problems, row, service)
    except RecursionError as error:
        raise UnreadableRowError("is nested too deeply") from error
    return problems.found


def likely_method(row: Any) -> str | None:
    """Return the training method that a row is written for, or None if the row does not show it."""
    if not isinstance(row, dict):
        return None
    if is_preference(row):
        return "dpo"
    messages = row.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    role = last.get("role") if isinstance(last, dict) else None
    return {"assistant": "supervised", "user": "reinforcement"}.get(role) if isinstance(role, str) else None


def _supervised(problems: RowProblems, row: dict[str, Any], service: str) -> None:
    problems.check_keys(row, ROW_KEYS)
    messages = _messages(problems, row, "", CHAT_ROLES)
    tools = check_tools(problems, row, "")
    if messages is None:
        return
    is_trained_on = any(
        message.get("role") == "assistant" and message.get("weight") != 0 for message in messages
    )
    if _have_valid_roles(messages, CHAT_ROLES) and not is_trained_on:
        problems.add("nothing_to_learn", "has no assistant message to train on", "messages")
    else:
        _check_last(problems, messages, "assistant")
    _check_row(problems, _located(messages, "messages"), tools, service)


def _preference(problems: RowProblems, row: dict[str, Any], service: str) -> None:
    problems.check_keys(row, PREFERENCE_KEYS)
    prompt = row.get("input")
    if not isinstance(prompt, dict):
        problems.add("input", f"is {truncated_repr(prompt)}, not an object with messages", "input")
        prompt = {}
        messages: list[dict[str, Any]] | None = []
    else:
        problems.check_keys(prompt, ROW_KEYS, "input")
        messages = _messages(problems, prompt, "input.", CHAT_ROLES)
    tools = check_tools(problems, prompt, "input.")
    outputs = [
        located
        for key in ("preferred_output", "non_preferred_output")
        for located in _output(problems, row, key)
    ]
    if problems.images:
        problems.add("image", "contains images, but dpo accepts only text", "input.messages")
    if messages is None:
        return
    _check_row(problems, _located(messages, "input.messages"), tools, service, outputs=outputs)
    if not problems.has_errors:
        _check_preference(problems, messages, [message for _, message in outputs])


def _check_preference(
    problems: RowProblems, messages: list[dict[str, Any]], outputs: list[dict[str, Any]]
) -> None:
    if messages[-1]["role"] == "assistant":
        problems.add(
            "prompt_end", "ends with role assistant, so that the outputs continue a reply", "input.messages"
        )
    if _answer(outputs[0]) == _answer(outputs[1]):
        problems.add("same_outputs", "is identical to preferred_output", "non_preferred_output")


def _answer(message: dict[str, Any]) -> tuple[Any, ...]:
    """Return the content of a reply, regardless of how it is written."""
    content = message.get("content") or ""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [(part["type"], part[part["type"]]) for part in parts]
    calls = [(call["name"], json.loads(call["arguments"])) for _, call in calls_of(message, "")]
    return texts, message.get("refusal") or "", calls


def _output(problems: RowProblems, row: dict[str, Any], key: str) -> Iterator[Located]:
    output = row.get(key)
    if not isinstance(output, list) or not output:
        problems.add("output", f"is {truncated_repr(output)}, not a list of one message", key)
    elif len(output) > 1:
        problems.add("output", f"has {len(output)} messages, not 1", key)
    else:
        path = f"{key}[0]"
        if isinstance(output[0], dict):
            _check_message(problems, output[0], path, ("assistant",))
            yield path, output[0]
        else:
            problems.add("messages", f"is {truncated_repr(output[0])}, not an object", path)


def _reinforcement(problems: RowProblems, row: dict[str, Any], service: str) -> None:
    messages = _messages(problems, row, "", REINFORCEMENT_ROLES)
    tools = check_tools(problems, row, "")
    if messages is None:
        return
    _check_last(problems, messages, "user")
    _check_row(problems, _located(messages, "messages"), tools, service)


_METHODS = {"supervised": _supervised, "dpo": _preference, "reinforcement": _reinforcement}


def _located(messages: list[dict[str, Any]], path: str) -> list[Located]:
    return [(f"{path}[{index}]", message) for index, message in enumerate(messages)]


def _messages(
    problems: RowProblems, parent: dict[str, Any], prefix: str, roles: Iterable[str]
) -> list[dict[str, Any]] | None:
    """Check the messages, and return them, or None if any of them is not an object."""
    path, messages = f"{prefix}messages", parent.get("messages")
    if not isinstance(messages, list) or not messages:
        reason = (
            "is missing"
            if "messages" not in parent
            else f"is {truncated_repr(messages)}, not a non-empty list of messages"
        )
        problems.add("messages", reason, path)
        return None
    for index, message in enumerate(messages):
        if isinstance(message, dict):
            _check_message(problems, message, f"{path}[{index}]", tuple(roles))
        else:
            problems.add("messages", f"is {truncated_repr(message)}, not an object", f"{path}[{index}]")
    return messages if all(isinstance(message, dict) for message in messages) else None


def _check_message(problems: RowProblems, message: dict[str, Any], path: str, roles: tuple[str, ...]) -> None:
    role = message.get("role")
    if role not in roles:
        allowed = roles[0] if len(roles) == 1 else f"one of {', '.join(roles)}"
        problems.add("role", f"is {truncated_repr(role)}, not {allowed}", f"{path}.role")
        return
    check_message_keys(problems, message, path)
    check_content(problems, message, path)
    check_calls(problems, message, path)
    if role == "tool":
        problems.require_text(message, "tool_call_id", path, "name", is_trained_on=False)
    if role == "function" or message.get("name") is not None:
        check_name(problems, message, path)
    if isinstance(refusal := message.get("refusal"), str):
        problems.check_text(refusal, f"{path}.refusal")
    if "weight" in message:
        _check_weight(problems, message, f"{path}.weight")


def _check_weight(problems: RowProblems, message: dict[str, Any], path: str) -> None:
    weight = message["weight"]
    if message["role"] != "assistant":
        problems.add("weight", f"is set on a {message['role']} message", path)
    elif isinstance(weight, bool) or weight not in (0, 1):
        problems.add("weight", f"is {truncated_repr(weight)}, not 0 or 1", path)


def _have_valid_roles(messages: list[dict[str, Any]], roles: tuple[str, ...]) -> bool:
    """Return whether all messages have valid roles. Invalid roles are reported for the message."""
    return all(message.get("role") in roles for message in messages)


def _check_last(problems: RowProblems, messages: list[dict[str, Any]], role: str) -> None:
    last = messages[-1].get("role")
    if last != role and _have_valid_roles(messages[-1:], CHAT_ROLES):
        problems.add("last_message", f"ends with role {last}, not {role}", "messages")


def _check_row(
    problems: RowProblems,
    messages: list[Located],
    declared: set[str],
    service: str,
    *,
    outputs: Sequence[Located] = (),
) -> None:
    """Check the rules that concern several messages. `outputs` are alternative last messages."""
    if problems.images > (most := most_images(service)):
        path = messages[0][0].partition("[")[0]
        problems.add("image", f"has {problems.images} images, more than {most}", path)
    if not problems.has_errors:
        _check_order(problems, messages, is_whole=not outputs)
        _check_results(problems, messages, service, is_whole=not outputs)
        _check_declared(problems, [*messages, *outputs], declared)


def _check_order(problems: RowProblems, messages: list[Located], *, is_whole: bool) -> None:
    """Report messages that follow an assistant message without being its result."""
    following: list[Located | None] = [*messages[1:], None]
    for (path, message), after in zip(messages, following, strict=True):
        if message["role"] != "assistant" or message.get("tool_calls"):
            continue
        role = after[1]["role"] if after else None
        if message.get("function_call"):
            if role != "function" and not (after is None and is_whole):
                problems.add("unanswered_call", "has a function call without a result", path)
        elif after and role == "assistant":
            problems.add("consecutive_replies", "follows another assistant message", after[0])


def _check_results(problems: RowProblems, messages: list[Located], service: str, *, is_whole: bool) -> None:
    """Check that each tool call has its result, except for the calls at the end of a row."""
    open_calls: dict[str, str] = {}
    for index, (path, message) in enumerate(messages):
        if message["role"] == "tool":
            _check_result(problems, messages, index, open_calls)
        elif index < len(messages) - 1 or not is_whole:
            open_calls |= {call["id"]: path for call in message.get("tool_calls") or ()}
    kind = "refused_call" if service == AZURE else "unanswered_call"
    for call_id, path in open_calls.items():
        problems.add(kind, f"has a tool call {truncated_repr(call_id)} without a result", path)


def _check_result(
    problems: RowProblems, messages: list[Located], index: int, open_calls: dict[str, str]
) -> None:
    path, message = messages[index]
    call_id = truncated_repr(message["tool_call_id"])
    caller = open_calls.pop(message["tool_call_id"], None)
    if caller is None:
        problems.add(
            "unknown_call",
            f"is {call_id}, not the id of an earlier tool call without a result",
            f"{path}.tool_call_id",
        )
        return
    before = next(one for one in reversed(messages[:index]) if one[1]["role"] != "tool")
    if before[0] != caller:
        problems.add("late_result", f"is the result of call {call_id}, but does not follow its message", path)


def _check_declared(problems: RowProblems, messages: list[Located], declared: set[str]) -> None:
    for path, message in messages:
        for call_path, call in calls_of(message, path):
            if (name := call.get("name")) not in declared:
                problems.add(
                    "undeclared_tool",
                    f"calls {truncated_repr(name)}, which the example does not declare",
                    call_path,
                )


class UnreadableRowError(ValueError):
    """A line is not a row. The message states the reason.

    Attributes:
        kind: Kind of the problem, a key of `problems.KINDS`.
    """

    def __init__(self, reason: str, kind: str = "json") -> None:
        super().__init__(reason)
        self.kind = kind


def parse_row(line: bytes, repeated: list[str] | None = None) -> Any:
    """Parse the JSON of a line with the standard library, which decides whether it is valid.

    Args:
        line: The line.
        repeated: List to which keys are added that an object has more than once.

    Raises:
        UnreadableRowError: The line is not valid UTF-8 or not valid JSON, or is nested too deeply.
    """
    try:
        return json.loads(
            line.decode("utf-8"),
            parse_constant=_refuse_constant,
            object_pairs_hook=None if repeated is None else partial(_object, repeated),
        )
    except UnicodeDecodeError as error:
        raise UnreadableRowError(
            f"is not valid UTF-8 at byte {error.start + 1} of the line", "encoding"
        ) from error
    except json.JSONDecodeError as error:
        raise UnreadableRowError(_json_error(error, line)) from error
    except RecursionError as error:
        raise UnreadableRowError("is nested too deeply") from error
    except ValueError as error:
        raise UnreadableRowError(f"is not valid JSON: {error}") from error


def _object(repeated: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        repeated += [key for key in found if counts[key] > 1]
    return found


def repeated_key_problem(keys: list[str], line: int) -> Problem:
    """Return the problem of a row that repeats keys, of which there is at least one."""
    names = ", ".join(truncated_repr(key) for key in dict.fromkeys(keys))
    return Problem("repeated_key", f"repeats {names} in the same object", line)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")


def _json_error(error: json.JSONDecodeError, line: bytes) -> str:
    if error.msg == "Extra data":
        return f"has extra text after its JSON value, at column {error.colno}"
    if line.strip() in (b"{", b"["):
        return "is only the start of a JSON value that continues on the next line"
    return f"is not valid JSON: {error.msg[0].lower()}{error.msg[1:].removesuffix(' at')} at column {error.colno}"
