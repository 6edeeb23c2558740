"""Each case breaks a single rule in an otherwise valid row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.training_data.rows import (
    ALL_VALID,
    ASSISTANT,
    CALL,
    CALLING,
    CHAT,
    IMAGE,
    NAMES,
    PAIR,
    RESULT,
    TASK,
    TOOL,
    USER,
    chat,
    user,
)

from pulumi_openai_ft._training_data.row_rules import (
    UnreadableRowError,
    likely_method,
    parse_row,
    row_problems,
)


def kinds(row: Any, method: str = "supervised") -> list[tuple[str, str]]:
    return [(problem.kind, problem.path) for problem in row_problems(row, method, line=1)]


@pytest.mark.parametrize(("method", "row"), ALL_VALID, ids=NAMES)
def test_a_valid_row_has_no_faults(method: str, row: Any) -> None:
    assert kinds(row, method) == []


@pytest.mark.parametrize(("method", "row"), ALL_VALID, ids=NAMES)
def test_the_method_shows_in_the_row(method: str, row: Any) -> None:
    assert likely_method(row) == method


def function(**changes: Any) -> dict[str, Any]:
    return {"type": "function", "function": TOOL["function"] | changes}


CHATS: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "row is a list": ([], [("row", "")]),
    "no messages": ({}, [("messages", "messages")]),
    "empty messages": (chat(), [("messages", "messages")]),
    "old completions row": ({"prompt": "a", "completion": "b"}, [("format", "")]),
    "preference row": (PAIR, [("format", "")]),
    "message is text": (chat("hi", ASSISTANT), [("messages", "messages[0]")]),
    "unknown role": (chat(USER | {"role": "robot"}, ASSISTANT), [("role", "messages[0].role")]),
    "role is a list": (chat(USER | {"role": ["user"]}, ASSISTANT), [("role", "messages[0].role")]),
    "no content": (chat({"role": "user"}, ASSISTANT), [("content", "messages[0].content")]),
    "assistant without content": (chat(USER, {"role": "assistant"}), [("content", "messages[1].content")]),
    "empty parts": (chat(user(), ASSISTANT), [("content", "messages[0].content")]),
    "part is text": (chat(user("hi"), ASSISTANT), [("content", "messages[0].content[0]")]),
    "part of an unknown type": (
        chat(user({"type": "audio"}), ASSISTANT),
        [("content", "messages[0].content[0].type")],
    ),
    "text part without text": (
        chat(user({"type": "text"}), ASSISTANT),
        [("content", "messages[0].content[0].text")],
    ),
    "no message to train on": (chat(USER), [("nothing_to_learn", "messages")]),
    "all weights zero": (chat(USER, ASSISTANT | {"weight": 0}), [("nothing_to_learn", "messages")]),
    "last message by the user": (chat(USER, ASSISTANT, USER), [("last_message", "messages")]),
    "weight of two": (chat(USER, ASSISTANT | {"weight": 2}), [("weight", "messages[1].weight")]),
    "weight is true": (chat(USER, ASSISTANT | {"weight": True}), [("weight", "messages[1].weight")]),
    "weight on a user": (chat(USER | {"weight": 1}, ASSISTANT), [("weight", "messages[0].weight")]),
    "nameless function": (
        chat(USER, {"role": "function", "content": "x"}, ASSISTANT),
        [("name", "messages[1].name")],
    ),
    "tool message without an id": (
        chat(USER, {"role": "tool", "content": "x"}, ASSISTANT),
        [("name", "messages[1].tool_call_id")],
    ),
    "user calls a tool": (
        chat(USER | {"tool_calls": [CALL]}, ASSISTANT),
        [("tool_call", "messages[0].tool_calls")],
    ),
    "calls are an object": (
        chat(USER, ASSISTANT | {"tool_calls": CALL}),
        [("tool_call", "messages[1].tool_calls")],
    ),
    "call is a text": (
        chat(USER, ASSISTANT | {"tool_calls": ["x"]}),
        [("tool_call", "messages[1].tool_calls[0]")],
    ),
    "call without id": (
        chat(USER, CALLING | {"tool_calls": [{k: v for k, v in CALL.items() if k != "id"}]}, tools=[TOOL]),
        [("tool_call", "messages[1].tool_calls[0].id")],
    ),
    "call of another type": (
        chat(USER, CALLING | {"tool_calls": [CALL | {"type": "code"}]}, tools=[TOOL]),
        [("tool_call", "messages[1].tool_calls[0].type")],
    ),
    "arguments are an object": (
        chat(USER, CALLING | {"tool_calls": [CALL | {"function": {"name": "track", "arguments": {}}}]}),
        [("arguments", "messages[1].tool_calls[0].function.arguments")],
    ),
    "arguments are not JSON": (
        chat(USER, CALLING | {"tool_calls": [CALL | {"function": {"name": "track", "arguments": "id=7"}}]}),
        [("arguments", "messages[1].tool_calls[0].function.arguments")],
    ),
    "old call is a text": (
        chat(USER, ASSISTANT | {"function_call": "f"}),
        [("tool_call", "messages[1].function_call")],
    ),
    "tools are an object": (CHAT | {"tools": {}}, [("tool", "tools")]),
    "tool is a text": (CHAT | {"tools": ["x"]}, [("tool", "tools[0]")]),
    "tool with a space": (
        CHAT | {"tools": [function(name="track it")]},
        [("tool", "tools[0].function.name")],
    ),
    "tool parameters as text": (
        CHAT | {"tools": [function(parameters="{}")]},
        [("tool", "tools[0].function.parameters")],
    ),
    "tool strict as text": (
        CHAT | {"tools": [function(strict="yes")]},
        [("tool", "tools[0].function.strict")],
    ),
    "129 functions": (CHAT | {"functions": [{"name": "f"}] * 129}, [("tool", "functions")]),
    "no functions": (CHAT | {"functions": []}, [("tool", "functions")]),
    "parallel_tool_calls as text": (CHAT | {"parallel_tool_calls": "no"}, [("tool", "parallel_tool_calls")]),
    "image by the assistant": (
        chat(USER, ASSISTANT | {"content": [IMAGE]}),
        [("content", "messages[1].content[0].type")],
    ),
    "eleven images": (chat(user(*[IMAGE] * 11), ASSISTANT), [("image", "messages")]),
    "image without url": (
        chat(user(IMAGE | {"image_url": {}}), ASSISTANT),
        [("image", "messages[0].content[0].image_url")],
    ),
    "GIF": (
        chat(user(IMAGE | {"image_url": {"url": "data:image/gif;base64,AAAA"}}), ASSISTANT),
        [("image", "messages[0].content[0].image_url.url")],
    ),
    "image of 11 MB": (
        chat(user(IMAGE | {"image_url": {"url": "data:image/png;base64," + "A" * 15_000_000}}), ASSISTANT),
        [("image", "messages[0].content[0].image_url.url")],
    ),
    "odd detail": (
        chat(user(IMAGE | {"image_url": {"url": "https://x.example/a", "detail": "max"}}), ASSISTANT),
        [("image", "messages[0].content[0].image_url.detail")],
    ),
    "special token": (
        chat(USER | {"content": "a<|fim_suffix|>b"}, ASSISTANT),
        [("special_token", "messages[0].content")],
    ),
    "special token in a tool": (
        CHAT | {"tools": [function(description="<|im_end|>")]},
        [("special_token", "tools")],
    ),
    "special token in arguments": (
        chat(
            USER,
            CALLING | {"tool_calls": [CALL | {"function": {"name": "track", "arguments": '"<|im_sep|>"'}}]},
            tools=[TOOL],
        ),
        [("special_token", "messages[1].tool_calls[0].function.arguments")],
    ),
    "half a character": (
        chat(USER | {"content": "\ud83d"}, ASSISTANT),
        [("lone_surrogate", "messages[0].content")],
    ),
    "call without a result": (
        chat(USER, CALLING, ASSISTANT, tools=[TOOL]),
        [("unanswered_call", "messages[1]")],
    ),
    "result without a call": (
        chat(USER, RESULT, ASSISTANT),
        [("unknown_call", "messages[1].tool_call_id")],
    ),
    "call of a tool that is not declared": (
        chat(USER, CALLING, RESULT, ASSISTANT),
        [("undeclared_tool", "messages[1].tool_calls[0].function")],
    ),
}


@pytest.mark.parametrize(("row", "expected"), CHATS.values(), ids=CHATS.keys())
def test_a_fault_in_a_chat_is_located(row: Any, expected: list[tuple[str, str]]) -> None:
    assert kinds(row) == expected


PAIRS: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "older names": ({"input": {}, "preferred_completion": []}, [("format", "")]),
    "chat": (CHAT, [("format", "")]),
    "no input": (PAIR | {"input": None}, [("messages", "input")]),
    "no question": (PAIR | {"input": {"messages": []}}, [("messages", "input.messages")]),
    "no preferred output": (PAIR | {"preferred_output": []}, [("output", "preferred_output")]),
    "two preferred messages": (
        PAIR | {"non_preferred_output": [ASSISTANT] * 2},
        [("output", "non_preferred_output")],
    ),
    "preferred output is a text": (PAIR | {"preferred_output": ["x"]}, [("messages", "preferred_output[0]")]),
    "preferred output by the user": (
        PAIR | {"preferred_output": [USER]},
        [("role", "preferred_output[0].role")],
    ),
    "picture": (PAIR | {"input": {"messages": [user(IMAGE)]}}, [("image", "input.messages")]),
    "tools are a number": (PAIR | {"input": {"messages": [USER], "tools": 1}}, [("tool", "input.tools")]),
}


@pytest.mark.parametrize(("row", "expected"), PAIRS.values(), ids=PAIRS.keys())
def test_a_fault_in_a_preference_row_is_located(row: Any, expected: Any) -> None:
    assert kinds(row, "dpo") == expected


TASKS: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "last message by the assistant": (TASK | chat(USER, ASSISTANT), [("last_message", "messages")]),
    "system": (TASK | chat({"role": "system", "content": "x"}, USER), [("role", "messages[0].role")]),
    "preference row": (PAIR, [("format", "")]),
}


@pytest.mark.parametrize(("row", "expected"), TASKS.values(), ids=TASKS.keys())
def test_a_fault_in_a_reinforcement_row_is_located(row: Any, expected: Any) -> None:
    assert kinds(row, "reinforcement") == expected


def test_all_faults_of_a_row_are_named() -> None:
    row = chat(USER | {"role": "robot"}, ASSISTANT | {"weight": 7, "content": 5}, tools=1)

    assert [path for _, path in kinds(row)] == [
        *("messages[0].role", "messages[1].content", "messages[1].weight", "tools")
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            chat(USER | {"role": "robot"}, ASSISTANT),
            'messages[0].role is "robot", not one of system, developer,',
        ),
        (chat(USER | {"content": None}, ASSISTANT), "messages[0].content is missing or null, not a string"),
        (chat(USER | {"content": 7}, ASSISTANT), "messages[0].content is 7, not a string"),
        (chat(USER | {"content": {"a": 1}}, ASSISTANT), "messages[0].content is an object, not a string"),
        (chat(USER | {"role": "x" * 99}, ASSISTANT), f'messages[0].role is "{"x" * 38}…, not one of'),
    ],
    ids=["role", "null", "number", "object", "long"],
)
def test_a_problem_is_a_sentence_with_the_value(row: Any, message: str) -> None:
    [problem, *_] = row_problems(row, "supervised", line=12)

    assert str(problem).startswith(f"line 12: {message}")
    assert str(problem).endswith(f"; {problem.hint}")


UNREADABLE = {
    "cut": (b'{"messages": [', "is not valid JSON: expecting value at column 15"),
    "two on a line": (b"{} {}", "has extra text after its JSON value, at column 4"),
    "over several lines": (b"{", "is only the start of a JSON value that continues on the next line"),
    "NaN": (b'{"a": NaN}', "is not valid JSON: NaN is not allowed"),
    "Latin-1": (b'{"a": "caf\xe9"}', "is not valid UTF-8 at byte 11 of the line"),
    "deep": (b"[" * 100_000, "is nested too deeply"),
    "huge number": (b"1" * 5000, "is not valid JSON: Exceeds the limit (4300 digits)"),
}


@pytest.mark.parametrize(("line", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_invalid_json_is_refused_with_the_reason(line: bytes, reason: str) -> None:
    with pytest.raises(UnreadableRowError) as raised:
        parse_row(line)

    assert str(raised.value).startswith(reason)


def test_a_line_that_is_json_is_read() -> None:
    assert parse_row(json.dumps(CHAT).encode()) == CHAT
