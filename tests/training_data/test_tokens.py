from __future__ import annotations

import pytest

from pulumi_openai_ft._training_data import tokens
from pulumi_openai_ft._training_data.executors import InlineExecutor
from pulumi_openai_ft._training_data.tokens import Batch, Tally, counter, encoding_of

OLD, NEW = "cl100k_base", "o200k_base"


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        (None, NEW),
        ("gpt-4.1-mini-2025-04-14", NEW),
        ("gpt-4o", NEW),
        ("o4-mini", NEW),
        ("Qwen/Qwen3-32B", NEW),
        ("gpt-4", OLD),
        ("gpt-4-0613", OLD),
        ("ft:gpt-3.5-turbo-0125:acme::abc", OLD),
        ("gpt-35-turbo", OLD),
        ("davinci-002", OLD),
    ],
)
def test_each_generation_of_models_has_its_encoding(model: str | None, encoding: str) -> None:
    assert encoding_of(model) == encoding


def letters(texts: list[str], common: list[str]) -> int:
    return len("".join(texts + common))


def test_a_text_shared_by_many_rows_counts_each_time() -> None:
    count = counter(NEW)

    assert count(["a b c"], ["a b"] * 3 + ["a"]) == 3 + 3 * 2 + 1


def test_special_tokens_are_counted_as_ordinary_text() -> None:
    assert counter(NEW)(["<|endoftext|>"], []) > 1


def test_batches_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "SMALL_BATCH", 10)
    tally = Tally(InlineExecutor(), letters, None)
    for line in range(1, 8):
        tally.add(line, Batch(["abc"], ["d"], tokens=2), size=4)
        tally.batch.texts.append("xy")
        tally.read(6)

    tally.finish()

    assert (tally.tokens, tally.truncated, tally.image_rows) == (7 * (4 + 2 + 2), [], 0)


def test_only_rows_that_are_too_long_are_cut() -> None:
    tally = Tally(InlineExecutor(), letters, 10)
    tally.add(1, Batch(["a" * 8], tokens=2), size=50)
    tally.add(2, Batch(["a" * 9], tokens=2), size=50)
    tally.add(3, Batch(["a"], tokens=765, images=1), size=9)

    tally.finish()

    assert (tally.tokens, tally.truncated, tally.image_rows) == (30, [(2, 11), (3, 766)], 1)
