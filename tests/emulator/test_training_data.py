from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, strategies

from pulumi_openai_ft.server.training_data import (
    MAX_IMAGE_ROWS,
    Problem,
    Summary,
    inspect_training_data,
)

USER: dict[str, Any] = {"role": "user", "content": "Where is my parcel?"}
ASSISTANT = {"role": "assistant", "content": "It left our warehouse this morning."}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/box.png", "detail": "low"}}

CHAT = {"messages": [{"role": "system", "content": "You help."}, USER, ASSISTANT]}
PAIR = {"input": {"messages": [USER]}, "preferred_output": [ASSISTANT], "non_preferred_output": [ASSISTANT]}
TASK = {"messages": [{"role": "developer", "content": "Answer."}, USER], "reference": "warehouse"}
VALID = {"supervised": CHAT, "dpo": PAIR, "reinforcement": TASK}


def jsonl(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def inspect(content: bytes, method: str = "supervised", **options: Any) -> Summary | Problem:
    return inspect_training_data(io.BytesIO(content), method=method, **options)


def user_row(*parts: Any) -> dict[str, Any]:
    return {"messages": [USER | {"content": list(parts)}, ASSISTANT]}


@pytest.mark.parametrize("method", VALID)
def test_ten_valid_rows_are_enough(method: str) -> None:
    summary = inspect(jsonl(*[VALID[method]] * 10), method)

    assert isinstance(summary, Summary)
    assert summary.examples == 10


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_fewer_than_ten_training_rows_fail(rows: int) -> None:
    problem = inspect(jsonl(*[CHAT] * rows))

    message = f"Training file has {rows} example(s), but must have at least 10 example(s)"
    assert problem == Problem("invalid_n_examples", message, "training_file")


def test_a_validation_file_needs_one_row() -> None:
    assert isinstance(inspect(jsonl(CHAT), param="validation_file"), Summary)

    problem = inspect(b"", param="validation_file")
    assert isinstance(problem, Problem)
    assert (problem.code, problem.param) == ("invalid_n_examples", "validation_file")


FAULTY_LINES = {
    "truncated": (b'{"messages": [', "not valid JSON"),
    "NaN": (b'{"messages": NaN}', "NaN is not JSON"),
    "two objects": (b"{} {}", "not valid JSON"),
    "not UTF-8": (b'{"messages": "\xff"}', "byte 15 is not UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "byte 1 is not UTF-8"),
    "nested too deeply": (b"[" * 200_000, "nested too deeply"),
    "number out of range": (b"1" * 5_000, "not valid JSON"),
    "byte order mark in the middle": (b"\xef\xbb\xbf" + jsonl(CHAT).strip(), "BOM"),
}


def test_problem_of_a_row_names_its_line_and_rule() -> None:
    problem = inspect(jsonl(CHAT, {"messages": []}, *[CHAT] * 9))

    message = "Line 2: messages must be a list with at least one item."
    expected = f"The job failed due to an invalid training file. {message}"
    assert problem == Problem("invalid_file_format", expected, "training_file")


@pytest.mark.parametrize(("line", "rule"), FAULTY_LINES.values(), ids=FAULTY_LINES.keys())
def test_line_with_invalid_json_fails(line: bytes, rule: str) -> None:
    problem = inspect(jsonl(CHAT) + line + b"\n" + jsonl(*[CHAT] * 9))

    assert isinstance(problem, Problem)
    assert "Line 2: " in problem.message
    assert rule in problem.message


def test_leading_byte_order_mark_is_ignored() -> None:
    assert isinstance(inspect(b"\xef\xbb\xbf" + jsonl(*[CHAT] * 10)), Summary)


def test_blank_lines_count_as_lines_but_not_as_rows() -> None:
    content = jsonl(*[CHAT] * 10)

    assert inspect(b"\n \r\n" + content) == inspect(content)
    problem = inspect(b"\n\n{}\n" + content)
    assert isinstance(problem, Problem)
    assert "Line 3: " in problem.message


def test_last_line_needs_no_newline() -> None:
    content = jsonl(*[CHAT] * 10)

    assert inspect(content.removesuffix(b"\n")) == inspect(content)


def test_problem_names_the_validation_file() -> None:
    problem = inspect(b"{}\n", param="validation_file")

    assert isinstance(problem, Problem)
    assert problem.param == "validation_file"
    assert "invalid validation file" in problem.message


def test_tokens_follow_text_and_overhead() -> None:
    """Count 4 characters per token, and 3 tokens per message, 3 per example and 1 per name; roles count as
    text.
    """
    messages = [USER | {"name": "annabell", "content": "x" * 400}, ASSISTANT | {"content": "y" * 40}]
    role_tokens, name_tokens, content_tokens = 1 + 3, 2 + 1, 100 + 10

    summary = inspect(jsonl(*[{"messages": messages}] * 10))

    assert summary == Summary(10, 10 * (role_tokens + name_tokens + content_tokens + 2 * 3 + 3))


def test_tokens_of_a_row_stop_at_the_length_limit() -> None:
    row = user_row({"type": "text", "text": "x" * 300_000})

    assert inspect(jsonl(*[row] * 10), context_length=65_536) == Summary(10, 10 * 65_536)


@pytest.mark.parametrize(("detail", "tokens"), [("low", 85), ("high", 765), ("auto", 765)])
def test_images_cost_tokens_by_detail(detail: str, tokens: int) -> None:
    text = {"type": "text", "text": "look"}
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": detail}}
    without, with_image = (inspect(jsonl(*[user_row(*parts)] * 10)) for parts in ([text], [text, image]))

    assert isinstance(without, Summary)
    assert isinstance(with_image, Summary)
    assert with_image.tokens - without.tokens == 10 * tokens


@pytest.mark.long
def test_more_image_rows_than_allowed_fail() -> None:
    content = jsonl(user_row(IMAGE)) * (MAX_IMAGE_ROWS + 1)

    problem = inspect(content)

    assert isinstance(problem, Problem)
    assert problem.message.endswith("Line 50001: more than 50000 rows contain images.")


class _Endless(io.BytesIO):
    """A line without an end, which counts the bytes that were read from it."""

    bytes_read = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size > 0, "an unbounded read of an endless line"
        self.bytes_read += size
        return b"x" * size


def test_line_without_end_is_abandoned() -> None:
    endless = _Endless()

    problem = inspect_training_data(endless, method="supervised")

    assert isinstance(problem, Problem)
    assert "Line 1: the row is longer than" in problem.message
    assert endless.bytes_read < 200 * 2**20


@given(strategies.binary(max_size=200), strategies.sampled_from(sorted(VALID)))
def test_arbitrary_bytes_raise_no_exception(content: bytes, method: str) -> None:
    assert isinstance(inspect(content, method), Problem)
