"""The rules of a row, one by one: everything that is wrong with it, each with its place.

A rule that the service is not known to keep is a warning; keys beyond the schema are let pass.
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
    """Everything that is wrong with a row, as the service or a careful reader would find it.

    Raises:
        UnreadableRowError: It is nested too deeply.
    """
    judge = RowProblems(line)
    if not isinstance(row, dict):
        judge.fault("row", f"is {truncated_repr(row)}, not an object")
        return judge.problems
    try:
        _METHODS[method](judge, row)
    except RecursionError as error:
        raise UnreadableRowError("is nested too deeply") from error
    return judge.problems


def likely_method(row: Any) -> str:
    """The method that a row seems to be written for."""
    if not isinstance(row, dict):
        return "supervised"
    if any(key in row for key in ("input", "preferred_output", "non_preferred_output", *OLD_OUTPUTS)):
        return "dpo"
    messages = row.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    is_task = isinstance(last, dict) and last.get("role") == "user" and _has_items(row)
    return "reinforcement" if is_task else "supervised"


def _has_items(row: dict[str, Any]) -> bool:
    """Whether there are keys that only a grader has a use for."""
    return not row.keys() <= {"messages", "tools", "functions", "parallel_tool_calls"}


def _supervised(judge: RowProblems, row: dict[str, Any]) -> None:
    if "messages" not in row and "prompt" in row:
        judge.fault(
            "format", "has prompt and completion, the format of models that are retired: use messages"
        )
        return
    if "messages" not in row and "input" in row:
        judge.fault("format", "has the format of dpo, not that of supervised training")
        return
    messages = _messages(judge, row, "", CHAT_ROLES)
    tools = check_tools(judge, row, "")
    if messages is None:
        return
    learned = [one for one in messages if one.get("role") == "assistant" and one.get("weight") != 0]
    if _are_known(messages, CHAT_ROLES) and not learned:
        judge.fault("nothing_to_learn", "hold no assistant message to learn from", "messages")
    else:
        _check_last(judge, messages, "assistant")
    _check_row(judge, messages, "messages", tools)


def _preference(judge: RowProblems, row: dict[str, Any]) -> None:
    if old := [key for key in OLD_OUTPUTS if key in row]:
        names = ", ".join(f"{key} (now {OLD_OUTPUTS[key]})" for key in old)
        judge.fault("format", f"has keys by their old names: {names}")
        return
    if "messages" in row and "input" not in row:
        judge.fault(
            "format", "has messages, the format of another method, where dpo has input and two outputs"
        )
        return
    prompt = row.get("input")
    if not isinstance(prompt, dict):
        judge.fault("messages", f"is {truncated_repr(prompt)}, not an object that holds messages", "input")
        prompt = {"messages": []}
        messages: list[dict[str, Any]] | None = []
    else:
        messages = _messages(judge, prompt, "input.", CHAT_ROLES)
    tools = check_tools(judge, prompt, "input.")
    outputs = [
        one for key in ("preferred_output", "non_preferred_output") for one in _output(judge, row, key)
    ]
    if judge.images:
        judge.fault("image", "is in the row, but dpo takes text alone", "input.messages")
    if messages is not None:
        _check_row(judge, [*messages, *outputs], "input.messages", tools)


def _output(judge: RowProblems, row: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    given = row.get(key)
    if not isinstance(given, list) or not given:
        judge.fault("output", f"is {truncated_repr(given)}, not a list with one message", key)
    elif len(given) > 1:
        judge.fault("output", f"holds {len(given)} messages, not one", key)
    else:
        path = f"{key}[0]"
        if isinstance(given[0], dict):
            _check_message(judge, given[0], path, ("assistant",))
            yield given[0]
        else:
            judge.fault("messages", f"is {truncated_repr(given[0])}, not an object", path)


def _reinforcement(judge: RowProblems, row: dict[str, Any]) -> None:
    if "messages" not in row and "input" in row:
        judge.fault("format", "has the format of dpo, not that of reinforcement")
        return
    messages = _messages(judge, row, "", REINFORCEMENT_ROLES)
    tools = check_tools(judge, row, "")
    if messages is None:
        return
    _check_last(judge, messages, "user")
    _check_row(judge, messages, "messages", tools)


_METHODS = {"supervised": _supervised, "dpo": _preference, "reinforcement": _reinforcement}


def _messages(
    judge: RowProblems, holder: dict[str, Any], prefix: str, roles: Iterable[str]
) -> list[dict[str, Any]] | None:
    """The messages, or None if not all of them are objects."""
    path, given = f"{prefix}messages", holder.get("messages")
    if not isinstance(given, list) or not given:
        reason = (
            "are missing"
            if "messages" not in holder
            else f"are {truncated_repr(given)}, not a list with messages"
        )
        judge.fault("messages", reason, path)
        return None
    for index, message in enumerate(given):
        if isinstance(message, dict):
            _check_message(judge, message, f"{path}[{index}]", tuple(roles))
        else:
            judge.fault("messages", f"is {truncated_repr(message)}, not an object", f"{path}[{index}]")
    return given if all(isinstance(message, dict) for message in given) else None


def _check_message(judge: RowProblems, message: dict[str, Any], path: str, roles: tuple[str, ...]) -> None:
    role = message.get("role")
    if role not in roles:
        allowed = roles[0] if len(roles) == 1 else f"one of {', '.join(roles)}"
        judge.fault("role", f"is {truncated_repr(role)}, not {allowed}", f"{path}.role")
        return
    check_content(judge, message, path)
    check_calls(judge, message, path)
    if role == "tool":
        judge.text(message, "tool_call_id", path, "name", is_trained_on=False)
    if role == "function" or message.get("name") is not None:
        judge.text(message, "name", path, "name")
    if isinstance(refusal := message.get("refusal"), str):
        judge.check_text(refusal, f"{path}.refusal")
    if "weight" in message:
        _check_weight(judge, message, f"{path}.weight")


def _check_weight(judge: RowProblems, message: dict[str, Any], path: str) -> None:
    weight = message["weight"]
    if message["role"] != "assistant":
        judge.fault("weight", f"is on a message of the {message['role']}", path)
    elif isinstance(weight, bool) or weight not in (0, 1):
        judge.fault("weight", f"is {truncated_repr(weight)}, not 0 or 1", path)


def _are_known(messages: list[dict[str, Any]], roles: tuple[str, ...]) -> bool:
    """Whether all messages have roles that there are: of others it is said already."""
    return all(message.get("role") in roles for message in messages)


def _check_last(judge: RowProblems, messages: list[dict[str, Any]], role: str) -> None:
    last = messages[-1].get("role")
    if last != role and _are_known(messages[-1:], CHAT_ROLES):
        judge.fault("last_message", f"end with a message of the {last}, not of the {role}", "messages")


def _check_row(judge: RowProblems, messages: list[dict[str, Any]], path: str, declared: set[str]) -> None:
    """What takes all messages together to be seen."""
    if judge.images > MOST_IMAGES:
        judge.fault("image", f"hold {judge.images} images, more than {MOST_IMAGES}", path)
    if not judge.problems:
        _check_answers(judge, messages, path)
        _check_declared(judge, messages, declared, path)


def _check_answers(judge: RowProblems, messages: list[dict[str, Any]], path: str) -> None:
    open_calls: dict[str, int] = {}
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if open_calls.pop(message["tool_call_id"], None) is None:
                called = truncated_repr(message["tool_call_id"])
                judge.fault(
                    "unknown_call", f"is {called}, which no open call has", f"{path}[{index}].tool_call_id"
                )
        elif index < len(messages) - 1:
            open_calls |= {call["id"]: index for call in message.get("tool_calls") or ()}
    for called, index in open_calls.items():
        judge.fault(
            "unanswered_call", f"has a call {truncated_repr(called)} without an answer", f"{path}[{index}]"
        )


def _check_declared(
    judge: RowProblems, messages: list[dict[str, Any]], declared: set[str], path: str
) -> None:
    for index, message in enumerate(messages):
        for call_path, call in calls_of(message, f"{path}[{index}]"):
            if (name := call.get("name")) not in declared:
                judge.fault(
                    "undeclared_tool",
                    f"calls {truncated_repr(name)}, which the row does not declare",
                    call_path,
                )


class UnreadableRowError(ValueError):
    """A line holds no row. The text says why.

    Attributes:
        kind: Of `problems.KINDS`.
    """

    def __init__(self, reason: str, kind: str = "json") -> None:
        super().__init__(reason)
        self.kind = kind


def parse_row(line: bytes) -> Any:
    """The JSON of a line, by the standard library: the last word on what is JSON.

    Raises:
        UnreadableRowError: It is none.
    """
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} of the line"
        raise UnreadableRowError(f"is not UTF-8: {byte} belongs to no character", "encoding") from error
    except json.JSONDecodeError as error:
        raise UnreadableRowError(_json_error(error, line)) from error
    except RecursionError as error:
        raise UnreadableRowError("is nested too deeply") from error
    except ValueError as error:
        raise UnreadableRowError(f"is no JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")


def _json_error(error: json.JSONDecodeError, line: bytes) -> str:
    if error.msg == "Extra data":
        return f"goes on after its JSON ends, at column {error.colno}"
    if line.strip() in (b"{", b"["):
        return "is only the beginning of its JSON, which goes on in the next line"
    return f"is no JSON: {error.msg[0].lower()}{error.msg[1:].removesuffix(' at')} at column {error.colno}"
