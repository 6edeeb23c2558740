from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from tests.training_data.rows import (
    ALL_VALID,
    ASSISTANT,
    CALLING,
    CHAT,
    IMAGE,
    NAMES,
    PAIR,
    RESULT,
    TASK,
    TOOL,
    USER,
    WITH_TOOLS,
    chat,
    user,
)
from tests.training_data.test_agreement import mutated

from pulumi_openai_ft._training_data.row_rules import parse_row, row_problems
from pulumi_openai_ft._training_data.row_types import TYPES
from pulumi_openai_ft._training_data.token_texts import (
    NeedsFullCheckError,
    collect_simple_rows,
    collect_token_texts,
    token_texts,
)
from pulumi_openai_ft._training_data.tokens import Batch

USUAL = {"chat": CHAT, "pair": PAIR, "task": TASK}


def typed(row: Any, method: str) -> Any:
    return msgspec.json.decode(json.dumps(row).encode(), type=TYPES[method])


def typed_texts(row: Any, method: str) -> Batch:
    batch = Batch()
    collect_token_texts(typed(row, method), batch)
    return batch


def summary(batch: Batch) -> tuple[list[str], int, int]:
    """Return the parts of a batch that determine its number of tokens."""
    return sorted(batch.texts + batch.common), batch.tokens, batch.images


@pytest.mark.parametrize(("method", "row"), ALL_VALID, ids=NAMES)
def test_typed_rows_are_read_like_untyped_rows(method: str, row: Any) -> None:
    assert summary(typed_texts(row, method)) == summary(token_texts(row, method))


@pytest.mark.parametrize("method", sorted(TYPES))
def test_text_only_rows_are_read_equally_fast_or_slow(method: str) -> None:
    row = {"supervised": CHAT, "dpo": PAIR, "reinforcement": TASK}[method]
    batch = Batch()

    assert collect_simple_rows([typed(row, method)] * 2, batch) == []
    assert batch.tokens == 2 * token_texts(row, method).tokens
    assert sorted(batch.texts + batch.common) == sorted(2 * token_texts(row, method).texts)


UNUSUAL = [row for _, row in ALL_VALID if row not in USUAL.values()]


def test_other_rows_are_reported_and_leave_no_texts() -> None:
    rows: list[Any] = [typed(row, method) for method, row in ALL_VALID if row not in USUAL.values()]
    batch = Batch()

    assert collect_simple_rows([None, *rows, typed(CHAT, "supervised")], batch) == list(range(len(rows) + 1))
    assert len(batch.texts + batch.common) == 3


DOUBTFUL = {
    "special token": (chat(USER | {"content": "<|im_end|>"}, ASSISTANT), "supervised"),
    "special token in a tool, escaped": (
        WITH_TOOLS | {"tools": [TOOL | {"x": "<|im_\u0065nd|>"}]},
        "supervised",
    ),
    "no message to train on": (chat(USER, ASSISTANT | {"weight": 0}), "supervised"),
    "assistant without content": (chat(USER, {"role": "assistant"}, ASSISTANT), "supervised"),
    "call without a result": (chat(USER, CALLING, ASSISTANT, tools=[TOOL]), "supervised"),
    "result without a call": (chat(USER, RESULT, ASSISTANT), "supervised"),
    "undeclared tool": (chat(USER, CALLING, RESULT, ASSISTANT), "supervised"),
    "local image": (chat(user(IMAGE | {"image_url": {"url": "box.png"}}), ASSISTANT), "supervised"),
    "image in dpo": (PAIR | {"input": chat(user(IMAGE))}, "dpo"),
    "preferred output by the user": (PAIR | {"preferred_output": [USER]}, "dpo"),
    "last message by the assistant": (chat(USER, ASSISTANT), "reinforcement"),
}


@pytest.mark.parametrize(("row", "method"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_rows_that_types_cannot_validate_need_the_full_check(row: Any, method: str) -> None:
    batch = Batch()

    with pytest.raises(NeedsFullCheckError):
        collect_token_texts(typed(row, method), batch)
    assert collect_simple_rows([typed(row, method)], batch) == [0]
    assert batch == Batch()


@settings(max_examples=200)
@given(mutated())
def test_rows_without_full_check_are_valid_and_read_equally(given: tuple[str, Any]) -> None:
    method, row = copy.deepcopy(given)
    try:
        fast = typed_texts(row, method)
    except (NeedsFullCheckError, msgspec.MsgspecError):
        return

    assert row_problems(parse_row(json.dumps(row).encode()), method, line=1) == []
    assert summary(fast) == summary(token_texts(row, method))
