from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from tests.training_data.rows import ALL_VALID, ASSISTANT, CHAT, USER, chat

from pulumi_openai_ft._training_data.checker import CheckOptions, FileChecker
from pulumi_openai_ft._training_data.executors import InlineExecutor
from pulumi_openai_ft._training_data.fast_path import collect_plain_rows
from pulumi_openai_ft._training_data.reader import blocks
from pulumi_openai_ft._training_data.row_types import Plain
from pulumi_openai_ft._training_data.token_texts import token_texts
from pulumi_openai_ft._training_data.tokens import Batch, Tally


def read_fast(row: Any) -> Plain:
    return msgspec.json.decode(json.dumps(row).encode(), type=Plain)


def lines(*rows: Any) -> list[bytes]:
    return [json.dumps(row).encode() for row in rows]


def test_the_fast_path_reads_rows_like_the_full_path() -> None:
    batch, expected = Batch(), token_texts(CHAT, "supervised")

    assert collect_plain_rows([read_fast(CHAT)] * 3, lines(*[CHAT] * 3), batch)
    assert sorted(batch.texts + batch.common) == sorted(3 * expected.texts)
    assert batch.tokens == 3 * expected.tokens


@pytest.mark.parametrize(
    "row",
    [chat(USER, ASSISTANT, USER), chat(USER | {"content": "<|im_end|>"}, ASSISTANT)],
    ids=["last message by the user", "special token"],
)
def test_rows_that_need_the_full_check_are_skipped(row: Any) -> None:
    batch = Batch()

    assert not collect_plain_rows([read_fast(CHAT), read_fast(row)], lines(CHAT, row), batch)
    assert batch == Batch()


UNUSUAL = [row for method, row in ALL_VALID if method == "supervised" and row != CHAT]


def check_lines(lines: list[bytes]) -> FileChecker:
    found = FileChecker(
        CheckOptions("supervised", "o200k_base", None), Tally(InlineExecutor(), len_of_texts, None)
    )
    for block in blocks(iter([memoryview(b"\n".join(lines))])):
        found.take(block)
    found.finish()
    return found


def len_of_texts(texts: list[str], common: list[str]) -> int:
    return sum(map(len, texts + common))


@pytest.mark.parametrize(
    "odd", [*(json.dumps(row).encode() for row in UNUSUAL), b" ", b"{", b'{"messages": [], "x": "\xff"}']
)
def test_a_special_row_does_not_affect_its_neighbors(odd: bytes) -> None:
    lines = [json.dumps(CHAT).encode(), odd, json.dumps(chat(USER, ASSISTANT)).encode()]

    together, alone = check_lines(lines), [check_lines([line]) for line in lines]

    for one in (together, *alone):
        for of_file in ("few_examples", "no_examples"):
            del one.findings.counts[of_file]
    assert together.findings.counts == sum((one.findings.counts for one in alone), Counter())
    assert together.examples == sum(one.examples for one in alone)
