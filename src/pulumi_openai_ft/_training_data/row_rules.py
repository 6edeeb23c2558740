"""Rules for rows, which find every problem of a row and its path.

A problem is only a warning if the service is not known to reject it. Keys outside of the schema are ignored.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._training_data.limits import CHAT_ROLES, MOST_IMAGES, REINFORCEMENT_ROLES
from pulumi_openai_ft._training_data.message_rules import (
    RowProblems,
    calls_of,
    check_calls,
    check_content,
    check_tools,
    truncated_repr,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pulumi_openai_ft._training_data.problems import Problem

OLD_OUTPUTS = {
    "preferred_completion": "preferred_output",
    "non_preferred_completion": "non_preferred_output",
}


def row_problems(row: Any, method: str, line: int) -> list[Problem]:
    """Return all problems of a row.

    Args:
        row: The parsed row.
        method: Training method, an item of `METHODS`.
        line: Line number of the row.

    Raises:
        UnreadableRowError: The row is nested too deeply.
    """
    problems = RowProblems(line)
    if not isinstance(row, dict):
        problems.add("row", f"is {truncated_repr(row)}, not an object")
        return problems.found
    try:
        _METHODS[method](problems, row)
    except RecursionError as error:
        raise UnreadableRowError("is nested too deeply") from error
    return problems.found


def likely_method(row: Any) -> str:
    """Return the training method that a row is probably written for."""
    if not isinstance(row, dict):
        return "supervised"
    if any(key in row for key in ("input", "preferred_output", "non_preferred_output", *OLD_OUTPUTS)):
        return "dpo"
    messages = row.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    is_task = isinstance(last, dict) and last.get("role") == "user" and _has_grader_items(row)
    return "reinforcement" if is_task else "supervised"


def _has_grader_items(row: dict[str, Any]) -> bool:
    """Return whether a row has keys that only a grader uses."""
    return not row.keys() <= {"messages", "tools", "functions", "parallel_tool_calls"}


def _supervised(problems: RowProblems, row: dict[str, Any]) -> None:
    if "messages" not in row and "prompt" in row:
        problems.add("format", "has prompt and completion, the format of retired models, instead of messages")
        return
    if "messages" not in row and "input" in row:
        problems.add("format", "has the format of dpo, not of supervised")
        return
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
    _check_row(problems, messages, "messages", tools)


def _preference(problems: RowProblems, row: dict[str, Any]) -> None:
    if renamed := [key for key in OLD_OUTPUTS if key in row]:
        names = ", ".join(f"{key} (now {OLD_OUTPUTS[key]})" for key in renamed)
        problems.add("format", f"uses renamed keys: {names}")
        return
    if "messages" in row and "input" not in row:
        problems.add(
            "format",
            "has messages, but dpo requires input, preferred_output and non_preferred_output",
        )
        return
    prompt = row.get("input")
    if not isinstance(prompt, dict):
        problems.add("messages", f"is {truncated_repr(prompt)}, not an object with messages", "input")
        prompt = {"messages": []}
        messages: list[dict[str, Any]] | None = []
    else:
        messages = _messages(problems, prompt, "input.", CHAT_ROLES)
    tools = check_tools(problems, prompt, "input.")
    outputs = [
        message
        for key in ("preferred_output", "non_preferred_output")
        for message in _output(problems, row, key)
    ]
    if problems.images:
        problems.add("image", "contains images, but dpo accepts only text", "input.messages")
    if messages is not None:
        _check_row(problems, [*messages, *outputs], "input.messages", tools)


def _output(problems: RowProblems, row: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    output = row.get(key)
    if not isinstance(output, list) or not output:
        problems.add("output", f"is {truncated_repr(output)}, not a list of one message", key)
    elif len(output) > 1:
        problems.add("output", f"has {len(output)} messages, not 1", key)
    else:
        path = f"{key}[0]"
        if isinstance(output[0], dict):
            _check_message(problems, output[0], path, ("assistant",))
            yield output[0]
        else:
            problems.add("messages", f"is {truncated_repr(output[0])}, not an object", path)


def _reinforcement(problems: RowProblems, row: dict[str, Any]) -> None:
    if "messages" not in row and "input" in row:
        problems.add("format", "has the format of dpo, not of reinforcement")
        return
    messages = _messages(problems, row, "", REINFORCEMENT_ROLES)
    tools = check_tools(problems, row, "")
    if messages is None:
        return
    _check_last(problems, messages, "user")
    _check_row(problems, messages, "messages", tools)


_METHODS = {"supervised": _supervised, "dpo": _preference, "reinforcement": _reinforcement}


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
    check_content(problems, message, path)
    check_calls(problems, message, path)
    if role == "tool":
        problems.require_text(message, "tool_call_id", path, "name", is_trained_on=False)
    if role == "function" or message.get("name") is not None:
        problems.require_text(message, "name", path, "name")
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


def _check_row(problems: RowProblems, messages: list[dict[str, Any]], path: str, declared: set[str]) -> None:
    """Check the rules that concern several messages."""
    if problems.images > MOST_IMAGES:
        problems.add("image", f"has {problems.images} images, more than {MOST_IMAGES}", path)
    if not problems.found:
        _check_results(problems, messages, path)
        _check_declared(problems, messages, declared, path)


def _check_results(problems: RowProblems, messages: list[dict[str, Any]], path: str) -> None:
    open_calls: dict[str, int] = {}
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if open_calls.pop(message["tool_call_id"], None) is None:
                call_id = truncated_repr(message["tool_call_id"])
                problems.add(
                    "unknown_call",
                    f"is {call_id}, not the id of an earlier tool call without a result",
                    f"{path}[{index}].tool_call_id",
                )
        elif index < len(messages) - 1:
            open_calls |= {call["id"]: index for call in message.get("tool_calls") or ()}
    for call_id, index in open_calls.items():
        problems.add(
            "unanswered_call",
            f"has a tool call {truncated_repr(call_id)} without a result",
            f"{path}[{index}]",
        )


def _check_declared(
    problems: RowProblems, messages: list[dict[str, Any]], declared: set[str], path: str
) -> None:
    for index, message in enumerate(messages):
        for call_path, call in calls_of(message, f"{path}[{index}]"):
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


def parse_row(line: bytes) -> Any:
    """Parse the JSON of a line with the standard library, which decides whether it is valid.

    Raises:
        UnreadableRowError: The line is not valid UTF-8 or not valid JSON, or is nested too deeply.
    """
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")


def _json_error(error: json.JSONDecodeError, line: bytes) -> str:
    if error.msg == "Extra data":
        return f"has extra text after its JSON value, at column {error.colno}"
    if line.strip() in (b"{", b"["):
        return "is only the start of a JSON value that continues on the next line"
    return f"is not valid JSON: {error.msg[0].lower()}{error.msg[1:].removesuffix(' at')} at column {error.colno}"
