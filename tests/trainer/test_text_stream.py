from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft.trainer.answers.text_stream import TextStream

if TYPE_CHECKING:
    from collections.abc import Sequence

VOCABULARY = [bytes([value]) for value in range(256)] + [
    b"ab",
    b" the",
    "é".encode(),
    "😀".encode()[:2],
    b"STOP",
]


def decode(tokens: list[int]) -> str:
    """Decode as byte-level tokenizers do."""
    return b"".join(VOCABULARY[token] for token in tokens).decode("utf-8", "replace")


def decode_words(tokens: list[int]) -> str:
    """Decode as tokenizers do that drop the first space of a text."""
    return "".join(f" w{token}" for token in tokens).removeprefix(" ")


def parts_of(tokens: Sequence[int], stop: Sequence[str] = ()) -> list[str]:
    """Return the parts of the text, also those after a stop text."""
    stream = TextStream(decode, stop)
    parts = [stream.add(token) for token in tokens]
    return [*parts, stream.finish()]


def tokens_of(text: str) -> list[int]:
    return list(text.encode())


texts = st.text(st.sampled_from("abé😀 \n"), max_size=12)


@given(st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=20))
def test_parts_are_the_text_of_all_tokens(tokens: list[int]) -> None:
    assert "".join(parts_of(tokens)) == decode(tokens)


@given(texts, st.lists(st.text(st.sampled_from("abé😀 "), min_size=1, max_size=4), max_size=3))
def test_text_ends_before_the_first_stop_text(text: str, stop: list[str]) -> None:
    places = [text.find(word) for word in stop if word in text]

    # The first stop text to be complete ends the answer, although another one may begin earlier.
    ends = [text.find(word) + len(word) for word in stop if word in text]
    complete = text[: min(ends)] if ends else text
    expected = complete[: min(complete.find(word) for word in stop if word in complete)] if places else text

    assert "".join(parts_of(tokens_of(text), stop)) == expected


def test_text_that_drops_its_first_space_keeps_the_others() -> None:
    stream = TextStream(decode_words)

    assert [stream.add(1), stream.add(2), stream.finish()] == ["w1", " w2", ""]


def test_incomplete_character_is_held_back() -> None:
    assert parts_of(tokens_of("é!")) == ["", "é", "!", ""]


def test_incomplete_last_character_is_shown_as_unknown() -> None:
    assert parts_of(tokens_of("aé")[:2]) == ["a", "", "\N{REPLACEMENT CHARACTER}"]


def test_possible_start_of_a_stop_text_is_held_back() -> None:
    assert parts_of(tokens_of("a-b--"), ["--"]) == ["a", "", "-b", "", "", ""]
    assert parts_of(tokens_of("a-"), ["--"]) == ["a", "", "-"]


@pytest.mark.parametrize("stop", [["b"], ["bc", "b"], ["abcd", "b"]])
def test_stop_text_inside_a_token_ends_the_answer(stop: list[str]) -> None:
    stream = TextStream(lambda tokens: "abc" * len(tokens), stop)

    assert [stream.add(0), stream.add(0), stream.finish()] == ["a", "", ""]
    assert stream.stopped
