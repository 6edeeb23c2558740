from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._training_data import reader
from pulumi_openai_ft._training_data.executors import InlineExecutor
from pulumi_openai_ft._training_data.reader import blocks, opened, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest


def read(content: bytes, size: int, longest: int = 10**6) -> list[tuple[int, bytes | None]]:
    """Return numbers and lines of a file that arrives in pieces of a given size."""
    views = (memoryview(content[start : start + size]) for start in range(0, len(content), size))
    return list(numbered(blocks(views, longest)))


def numbered(found: Iterable[reader.Block]) -> Iterable[tuple[int, bytes | None]]:
    for block in found:
        if block.lines is None:
            yield block.number, None
        else:
            assert bytes(block.text).rstrip(b"\n") == b"\n".join(block.lines).rstrip(b"\n")
            assert block.is_ascii == bytes(block.text).isascii() or not block.is_ascii
            yield from enumerate(block.lines, start=block.number)


@given(
    st.lists(st.binary(max_size=9).filter(lambda line: b"\n" not in line)), st.integers(1, 40), st.booleans()
)
def test_lines_and_numbers_do_not_depend_on_piece_boundaries(
    expected: list[bytes],
    size: int,
    is_ended: bool,  # noqa: FBT001 - the parameter is drawn by hypothesis
) -> None:
    content = b"".join(line + b"\n" for line in expected)
    if not is_ended and expected and expected[-1]:
        content = content.removesuffix(b"\n")

    assert read(content, size) == list(enumerate(expected, start=1))


def test_lines_do_not_depend_on_the_chunk_size(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(b"%d" % number * (number % 7) + b"\n" for number in range(300))
    expected = read(content, len(content))
    monkeypatch.setattr(reader, "CHUNK", 5)

    assert read(content, 64) == expected


@given(st.integers(1, 20))
def test_a_too_long_line_is_reported_and_skipped(size: int) -> None:
    content = b"short\n" + b"x" * 21 + b"\n" + b"y" * 20 + b"\nend" + b"z" * 30

    assert read(content, size, longest=20) == [(1, b"short"), (2, None), (3, b"y" * 20), (4, None)]


def test_a_line_without_end_takes_no_memory() -> None:
    endless = (memoryview(b"x" * 2**20) for _ in range(64))
    tracemalloc.start()
    try:
        [block] = blocks(endless, longest=2**20)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert block.lines is None
    assert most < 8 * 2**20


def test_pieces_are_used_in_order_with_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "PIECE", 4)
    (tmp_path / "file").write_bytes(b"0123456789")
    used, reported = bytearray(), list[int]()

    with opened(tmp_path / "file") as (content, state):
        given = [bytes(piece) for piece in pieces(content, InlineExecutor(), used.extend, reported.append)]

    assert (given, bytes(used), reported) == ([b"0123", b"4567", b"89"], b"0123456789", [4, 8, 10])
    assert state.size == 10
