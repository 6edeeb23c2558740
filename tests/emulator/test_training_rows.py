"""Each case breaks a single rule in an otherwise valid row."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from pulumi_openai_ft.server.tool_text import tool_text
from pulumi_openai_ft.server.training_rows import Row, RowFaultError, read_row

USER: dict[str, Any] = {"role": "user", "content": "Where is my parcel?"}
ASSISTANT = {"role": "assistant", "content": "It left our warehouse this morning."}
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "track", "arguments": '{"id": 7}'},
}
FUNCTION: dict[str, Any] = {"name": "track", "parameters": {"type": "object"}, "strict": True}
TOOL = {"type": "function", "function": FUNCTION}
IMAGE: dict[str, Any] = {
    "type": "image_url",
    "image_url": {"url": "https://example.com/box.png", "detail": "low"},
}

CHAT = {"messages": [{"role": "system", "content": "You help."}, USER, ASSISTANT]}
PAIR = {"input": {"messages": [USER]}, "preferred_output": [ASSISTANT], "non_preferred_output": [ASSISTANT]}
TASK: dict[str, Any] = {
    "messages": [{"role": "developer", "content": "Answer."}, USER],
    "reference": "warehouse",
}
VALID: dict[str, dict[str, Any]] = {"supervised": CHAT, "dpo": PAIR, "reinforcement": TASK}


def read(row: Any, method: str = "supervised") -> Row:
    return read_row(json.dumps(row).encode(), method)


def chat(*messages: Any, **keys: Any) -> dict[str, Any]:
    return {"messages": list(messages), **keys}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


TEXT = {"type": "text", "text": "on its way"}
ACCEPTED_CHATS = {
    "tool call without content": chat(
        USER,
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "on its way"},
        ASSISTANT,
        tools=[TOOL],
        parallel_tool_calls=False,
    ),
    "deprecated functions": chat(
        USER,
        {"role": "assistant", "content": None, "function_call": CALL["function"]},
        {"role": "function", "name": "track", "content": None},
        ASSISTANT,
        functions=[TOOL["function"]],
    ),
    "parts, names, refusal": chat(
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "hi"}, IMAGE]},
        {"role": "assistant", "content": None, "refusal": "No."},
    ),
    "a single weight above zero": chat(USER, ASSISTANT | {"weight": 0}, USER, ASSISTANT | {"weight": 1}),
    "nulls where values are optional": chat(
        USER | {"name": None}, ASSISTANT | {"tool_calls": None, "function_call": None}, tools=None
    ),
    "unknown keys of a message": chat(USER | {"source": "ticket 12"}, ASSISTANT),
    "lone surrogate": chat(USER | {"content": "\ud800"}, ASSISTANT),
    "pipe outside of a special token": chat(USER | {"content": "a <|b|> c"}, ASSISTANT),
    "data URL": chat(user(IMAGE | {"image_url": {"url": "data:image/png;base64,AAAA"}}), ASSISTANT),
}


@pytest.mark.parametrize("row", ACCEPTED_CHATS.values(), ids=ACCEPTED_CHATS.keys())
def test_row_is_accepted(row: Any) -> None:
    assert read(row).messages == row["messages"]


LAST_CALL = {"role": "assistant", "tool_calls": [CALL]}
FAULTY_CHATS = {
    "row is a list": ([], "the row must be an object"),
    "no messages": ({}, "messages must be a list"),
    "empty messages": (chat(), "messages must be a list with at least one item"),
    "old completions row": ({"prompt": "a", "completion": "b"}, "prompt and completion"),
    "message is text": (chat("hi"), "messages[0] must be an object"),
    "unknown role": (chat(USER | {"role": "robot"}, ASSISTANT), "messages[0].role must be one of"),
    "role is a list": (chat(USER | {"role": ["user"]}, ASSISTANT), "messages[0].role must be one of"),
    "no content": (chat({"role": "user"}, ASSISTANT), "messages[0].content must be"),
    "content is a number": (chat(USER | {"content": 7}, ASSISTANT), "not 7"),
    "assistant without content": (chat(USER, {"role": "assistant"}), "messages[1].content must be"),
    "empty parts": (chat(user(), ASSISTANT), "messages[0].content must be"),
    "part of an unknown type": (chat(user({"type": "audio"}), ASSISTANT), "messages[0].content[0].type"),
    "text part without text": (chat(user({"type": "text"}), ASSISTANT), "messages[0].content[0].text"),
    "image by the assistant": (chat(USER, ASSISTANT | {"content": [IMAGE]}), "messages[1].content[0].type"),
    "no message to train on": (chat(USER), "must contain an assistant message whose weight is not 0"),
    "all weights zero": (chat(USER, ASSISTANT | {"weight": 0}), "must contain an assistant message"),
    "last message by the user": (chat(USER, ASSISTANT, USER), "must end with an assistant message"),
    "weight of two": (chat(USER, ASSISTANT | {"weight": 2}), "messages[1].weight must be 0 or 1"),
    "weight is true": (chat(USER, ASSISTANT | {"weight": True}), "messages[1].weight must be 0 or 1"),
    "weight on a user": (chat(USER | {"weight": 1}, ASSISTANT), "messages[0].weight must be 0 or 1"),
    "tool result for no call": (
        chat({"role": "tool", "content": "x"}, ASSISTANT),
        "messages[0].tool_call_id",
    ),
    "nameless function": (chat({"role": "function", "content": "x"}, ASSISTANT), "messages[0].name"),
    "user calls a tool": (chat(USER | {"tool_calls": [CALL]}, ASSISTANT), "only assistant messages"),
    "call without id": (
        chat(USER, LAST_CALL | {"tool_calls": [{k: v for k, v in CALL.items() if k != "id"}]}),
        "messages[1].tool_calls[0].id must be a string",
    ),
    "call of another type": (
        chat(USER, LAST_CALL | {"tool_calls": [CALL | {"type": "code"}]}),
        'messages[1].tool_calls[0].type must be "function"',
    ),
    "arguments are an object": (
        chat(USER, LAST_CALL | {"tool_calls": [CALL | {"function": {"name": "track", "arguments": {}}}]}),
        "messages[1].tool_calls[0].function.arguments must be a string",
    ),
    "arguments are not JSON": (
        chat(USER, LAST_CALL | {"tool_calls": [CALL | {"function": {"name": "track", "arguments": "id=7"}}]}),
        "arguments must be a string with valid JSON",
    ),
    "extra key of the row": (
        chat(USER, ASSISTANT, source="ticket 12"),
        'the row contains an extra key "source"',
    ),
    "tool content is a list": (
        chat(USER, LAST_CALL, {"role": "tool", "tool_call_id": "call_1", "content": [TEXT]}, ASSISTANT),
        "messages[2].content must be a string, not a list of parts",
    ),
    "function content is a list": (
        chat(USER, {"role": "function", "name": "track", "content": [TEXT]}, ASSISTANT),
        "messages[1].content must be a string, not a list of parts",
    ),
    "tools are an object": (chat(USER, ASSISTANT, tools={}), "tools must be a list"),
    "tool with a space": (
        chat(USER, ASSISTANT, tools=[TOOL | {"function": {"name": "track it"}}]),
        "tools[0].function.name must be 1 to 64",
    ),
    "tool parameters as text": (
        chat(USER, ASSISTANT, tools=[TOOL | {"function": {"name": "track", "parameters": "{}"}}]),
        "tools[0].function.parameters must be an object",
    ),
    "tool strict as text": (
        chat(USER, ASSISTANT, tools=[TOOL | {"function": {"name": "track", "strict": "yes"}}]),
        "tools[0].function.strict must be true or false",
    ),
    "129 functions": (chat(USER, ASSISTANT, functions=[{"name": "f"}] * 129), "functions has 129 items"),
    "parallel_tool_calls as text": (chat(USER, ASSISTANT, parallel_tool_calls="no"), "parallel_tool_calls"),
    "eleven images": (chat(user(*[IMAGE] * 11), ASSISTANT), "contain 11 images, more than 10"),
    "image without url": (chat(user({"type": "image_url", "image_url": {}}), ASSISTANT), "image_url.url"),
    "GIF": (
        chat(user(IMAGE | {"image_url": {"url": "data:image/gif;base64,AAAA"}}), ASSISTANT),
        "JPEG, PNG or WEBP",
    ),
    "local image": (chat(user(IMAGE | {"image_url": {"url": "box.png"}}), ASSISTANT), "http(s)"),
    "image of 11 MB": (
        chat(user(IMAGE | {"image_url": {"url": "data:image/png;base64," + "A" * 15_000_000}}), ASSISTANT),
        "more than 10485760 bytes",
    ),
    "odd detail": (
        chat(user(IMAGE | {"image_url": {"url": "https://x.example/a", "detail": "max"}}), ASSISTANT),
        'image_url.detail must be auto, low or high, not "max"',
    ),
    "special token in content": (
        chat(USER | {"content": "<|fim_suffix|>"}, ASSISTANT),
        "special token <|fim_suffix|>",
    ),
    "special token in a part": (
        chat(user({"type": "text", "text": "a<|im_start|>"}), ASSISTANT),
        "special token <|im_start|>",
    ),
    "special token in a tool": (
        chat(
            USER,
            ASSISTANT,
            tools=[{"type": "function", "function": {"name": "f", "description": "<|im_end|>"}}],
        ),
        "special token <|im_end|>",
    ),
}


@pytest.mark.parametrize(("row", "rule"), FAULTY_CHATS.values(), ids=FAULTY_CHATS.keys())
def test_faulty_chat_is_refused_with_place_and_rule(row: Any, rule: str) -> None:
    with pytest.raises(RowFaultError, match=re.escape(rule)):
        read(row)


FAULTY_PAIRS = {
    "older names": ({"input": {}, "preferred_completion": []}, "use preferred_output"),
    "no input": (PAIR | {"input": None}, "input must be an object"),
    "no question": (PAIR | {"input": {"messages": []}}, "input.messages must be a list"),
    "no preferred output": (PAIR | {"preferred_output": []}, "preferred_output must be a list"),
    "two preferred messages": (
        PAIR | {"non_preferred_output": [ASSISTANT] * 2},
        "non_preferred_output must contain exactly one assistant message, not 2",
    ),
    "preferred output by the user": (
        PAIR | {"preferred_output": [USER]},
        "preferred_output[0].role must be one of",
    ),
    "picture": (PAIR | {"input": {"messages": [user(IMAGE)]}}, "must not contain images"),
    "tools outside their place": (PAIR | {"input": {"messages": [USER], "tools": 1}}, "input.tools must be"),
}


@pytest.mark.parametrize(("row", "rule"), FAULTY_PAIRS.values(), ids=FAULTY_PAIRS.keys())
def test_faulty_preference_row_is_refused(row: Any, rule: str) -> None:
    with pytest.raises(RowFaultError, match=re.escape(rule)):
        read(row, "dpo")


FAULTY_TASKS = {
    "last message by the assistant": (chat(USER, ASSISTANT), "must end with a user message"),
    "system": (chat({"role": "system", "content": "x"}, USER), "messages[0].role must be one of"),
}


@pytest.mark.parametrize(("row", "rule"), FAULTY_TASKS.values(), ids=FAULTY_TASKS.keys())
def test_faulty_reinforcement_row_is_refused(row: Any, rule: str) -> None:
    with pytest.raises(RowFaultError, match=re.escape(rule)):
        read(row, "reinforcement")


def test_special_token_outside_the_messages_is_valid() -> None:
    """In reinforcement rows, additional keys are for the grader, not for training."""
    assert read(TASK | {"reference": "<|im_end|>"}, "reinforcement").messages == TASK["messages"]


@pytest.mark.parametrize(("method", "row"), VALID.items())
def test_valid_row_gives_the_messages_to_train_on(method: str, row: Any) -> None:
    assert len(read(row, method).messages) == (2 if method == "reinforcement" else 3)


def test_only_texts_become_tokens() -> None:
    row = chat(
        user({"type": "text", "text": "hi"}, IMAGE) | {"name": "ann"}, LAST_CALL, ASSISTANT, tools=[TOOL]
    )

    call = CALL["function"]
    expected = ["user", "ann", "hi", "assistant", call["name"], call["arguments"], "assistant"]
    assert list(read(row).texts()) == [*expected, ASSISTANT["content"], tool_text([FUNCTION])]


def test_images_are_those_of_all_messages() -> None:
    assert read(chat(user(IMAGE), ASSISTANT, user(IMAGE), ASSISTANT)).images() == [IMAGE["image_url"]] * 2


JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.text()
    | strategies.sampled_from(["user", "assistant", "function", "text", "image_url"]),
    lambda values: (
        strategies.lists(values, max_size=3)
        | strategies.dictionaries(
            strategies.sampled_from(
                [
                    *(
                        "messages",
                        "role",
                        "content",
                        "tool_calls",
                        "function_call",
                        "function",
                        "name",
                        "weight",
                    ),
                    *("arguments", "type", "text", "image_url", "url", "detail", "input", "tools", "refusal"),
                    *("preferred_output", "non_preferred_output", "functions", "parameters", "id"),
                ]
            ),
            values,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(JSON, strategies.sampled_from(sorted(VALID)))
def test_any_json_is_a_row_or_a_fault(row: Any, method: str) -> None:
    with contextlib.suppress(RowFaultError):
        assert isinstance(read(row, method), Row)


def test_tools_are_a_typescript_namespace() -> None:
    parameters = {
        "properties": {
            "id": {"type": "integer", "description": "Number\nof the parcel"},
            "by": {"enum": ["air", "sea"]},
        },
        "required": ["id"],
    }
    function = {"name": "track", "description": "Find a parcel", "parameters": parameters}

    text = tool_text([function, {"name": "stop"}])

    assert text.splitlines() == [
        "# Tools",
        "",
        "## functions",
        "",
        "namespace functions {",
        "",
        "// Find a parcel",
        "type track = (_: {",
        "// Number",
        "// of the parcel",
        "id: number,",
        'by?: "air" | "sea",',
        "}) => any;",
        "",
        "type stop = () => any;",
        "",
        "} // namespace functions",
    ]


def test_special_tokens_are_refused_anywhere_in_tools() -> None:
    tool = {"type": "function", "function": {"name": "track", "parameters": {"title": "<|im_end|>"}}}

    with pytest.raises(RowFaultError, match="contains the special token"):
        read(chat(USER, ASSISTANT, tools=[tool]))
