from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft.trainer.answers.tool_calls import CLOSE, OPEN, ToolCall, ToolCallStream, read_tool_call

CALL = '{"name": "weather", "arguments": {"city": "Oslo"}}'
WEATHER = ToolCall("weather", '{"city": "Oslo"}')
MALFORMED = [
    "",
    "{",
    "[]",
    "null",
    '"weather"',
    '{"name": "weather"}',
    '{"arguments": {}}',
    '{"name": "", "arguments": {}}',
    '{"name": 1, "arguments": {}}',
    '{"name": "weather", "arguments": null}',
    '{"name": "weather", "arguments": []}',
    '{"name": "weather", "arguments": "[]"}',
    '{"name": "weather", "arguments": "Oslo"}',
    '{"name": "weather", "arguments": {"x": NaN}}',
    '{"name": "weather", "arguments": "{\\"x\\": Infinity}"}',
    '{"name": "weather", "arguments": {"x": 1e999}}',
    '{"name": "weather", "arguments": {"x": "\\ud800"}}',
    '{"name": "weather", "arguments": ' + '{"x": ' * 20_000,
    f"{CALL} and more",
    f"{CALL}{CALL}",
]


def split(*texts: str, recognizes: bool = True) -> list[str | ToolCall]:
    """Return the parts of a text that arrives in pieces, with consecutive texts joined."""
    parts: list[str | ToolCall] = []
    stream = ToolCallStream(parts.append, recognizes=recognizes)
    for text in texts:
        stream.add(text)
    stream.finish()
    assert stream.found == sum(isinstance(part, ToolCall) for part in parts)
    assert "" not in parts
    joined: list[str | ToolCall] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return joined


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"{OPEN}{CALL}{CLOSE}", [WEATHER]),
        (f"{OPEN}\n{CALL}\n{CLOSE}\n", [WEATHER]),
        (f"{OPEN}\n{CALL}", [WEATHER]),
        (f"Let me see.\n{OPEN}{CALL}{CLOSE}", ["Let me see.", WEATHER]),
        (f"{OPEN}{CALL}{CLOSE}\n{OPEN}{CALL}{CLOSE} Wait.", [WEATHER, WEATHER, "Wait."]),
        (f"{OPEN}no{CLOSE}{OPEN}{CALL}{CLOSE}", [f"{OPEN}no{CLOSE}", WEATHER]),
        (f"{OPEN}{OPEN}{CALL}{CLOSE}", [OPEN, WEATHER]),
        ('<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>', [ToolCall("f", '{"a": 1}')]),
        ('<tool_call>{"name": "f", "arguments": {"é": "😀"}}</tool_call>', [ToolCall("f", '{"é": "😀"}')]),
        (" \n", [" \n"]),
        ("a < b <tool_", ["a < b <tool_"]),
    ],
)
def test_calls_and_text_are_separated(text: str, parts: list[Any]) -> None:
    assert split(text) == parts
    assert split(*text) == parts


@pytest.mark.parametrize("content", MALFORMED)
def test_malformed_calls_stay_text(content: str) -> None:
    text = f"See: {OPEN}{content}{CLOSE}"
    assert split(text) == [text]
    assert split(text.removesuffix(CLOSE)) == [text.removesuffix(CLOSE)]


@given(st.text(st.sampled_from(f'{OPEN}{CLOSE} \n{{}}"')))
def test_text_without_calls_is_unchanged(text: str) -> None:
    assert split(*text) == ([text] if text else [])


@given(
    st.lists(st.sampled_from([f"{OPEN}{CALL}{CLOSE}", OPEN, CLOSE, CALL, " ", "\n", "text", "<", "{"])),
    st.data(),
)
def test_pieces_make_no_difference(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    cut = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    assert split(*cut) == split(text)


def test_calls_stay_text_without_recognition() -> None:
    assert split(f"a {OPEN}{CALL}{CLOSE} ", recognizes=False) == [f"a {OPEN}{CALL}{CLOSE} "]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.text(min_size=1), st.dictionaries(st.text(), JSON))
def test_any_arguments_are_kept(name: str, arguments: dict[str, Any]) -> None:
    call = read_tool_call(json.dumps({"name": name, "arguments": arguments}))

    assert call is not None
    assert (call.name, json.loads(call.arguments)) == (name, arguments)
