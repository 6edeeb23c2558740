"""The conversion of rows, which needs no model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.rows import RowError, convert_rows, read_chat, read_preference

if TYPE_CHECKING:
    from pathlib import Path

USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"id": 7}'}}


def encoded(*messages: dict[str, Any], **keys: Any) -> bytes:
    return json.dumps({"messages": messages, **keys}).encode()


def test_messages_take_the_form_of_templates() -> None:
    line = encoded(
        {
            "role": "developer",
            "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}],
        },
        USER,
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        {"role": "assistant", "content": None, "refusal": "No."},
        tools=[{"type": "function", "function": {"name": "look_up"}}],
        parallel_tool_calls=False,
    )

    chat = read_chat(line)

    assert chat.messages == [
        {"role": "system", "content": "Be brief."},
        USER,
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{**CALL, "function": {"name": "look_up", "arguments": {"id": 7}}}],
        },
        {"role": "tool", "content": "42", "name": "look_up", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "No."},
    ]
    assert chat.tools == [{"type": "function", "function": {"name": "look_up"}}]
    assert chat.trained == [2, 4]


def test_deprecated_functions_become_tools() -> None:
    line = encoded(
        USER,
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "[1]"}},
        {"role": "function", "name": "f", "content": "2"},
        ANSWER,
        functions=[{"name": "f"}],
    )

    chat = read_chat(line)

    assert chat.tools == [{"type": "function", "function": {"name": "f"}}]
    call, result = chat.messages[1:3]
    assert call["tool_calls"] == [{"type": "function", "function": {"name": "f", "arguments": "[1]"}}]
    assert result == {"role": "tool", "content": "2", "name": "f"}


@given(st.lists(st.sampled_from([None, 0, 1]), min_size=1, max_size=6))
def test_weight_selects_the_messages_to_learn(weights: list[int | None]) -> None:
    messages = [ANSWER if weight is None else {**ANSWER, "weight": weight} for weight in weights]
    expected = [index + 1 for index, weight in enumerate(weights) if weight != 0]

    if expected:
        assert read_chat(encoded(USER, *messages)).trained == expected
    else:
        with pytest.raises(RowError, match="nothing to learn"):
            read_chat(encoded(USER, *messages))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"messages": [', "not valid JSON: Input data was truncated"),
        (b"\xff", "not valid JSON: "),
        (b"[]", "the row is invalid: Expected `object`, got `array`"),
        (b"{}", "the row is invalid: Object missing required field `messages`"),
        (encoded(USER), "messages has no assistant message with weight 1, so there is nothing to learn"),
        (encoded({**USER, "role": "robot"}), r"messages\[0\].role is invalid: Invalid enum value 'robot'"),
        (encoded({**USER, "content": 5}), r"messages\[0\].content is invalid: Expected"),
        (
            encoded({**USER, "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
            r"messages\[0\].content\[0\].type is invalid: Invalid enum value 'image_url'",
        ),
    ],
)
def test_invalid_rows_name_the_problem(line: bytes, problem: str) -> None:
    with pytest.raises(RowError, match=f"^{problem}"):
        read_chat(line)


def test_preferences_have_a_prompt_and_two_answers() -> None:
    row = {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{**ANSWER, "content": "Go away"}],
    }

    read = read_preference(json.dumps(row).encode())

    assert (read.prompt.messages, read.preferred, read.non_preferred["content"]) == (
        [USER],
        ANSWER,
        "Go away",
    )


@pytest.mark.parametrize("output", [[], [ANSWER, ANSWER], [USER]])
@pytest.mark.parametrize("name", ["preferred_output", "non_preferred_output"])
def test_an_output_is_one_assistant_message(name: str, output: list[dict[str, Any]]) -> None:
    row = {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [ANSWER],
        name: output,
    }

    with pytest.raises(RowError, match=f"^{name} must contain exactly one assistant message$"):
        read_preference(json.dumps(row).encode())


def test_a_problem_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + encoded(USER, ANSWER) + b"\n\n" + encoded(USER) + b"\n")

    with pytest.raises(TrainingError) as raised:
        list(convert_rows(file, "validation_file", read_chat))

    assert (raised.value.code, raised.value.param) == ("invalid_file_format", "validation_file")
    assert raised.value.message == (
        "The job failed due to an invalid validation file. Line 3: "
        "messages has no assistant message with weight 1, so there is nothing to learn."
    )
