from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training_data.rows import ALL_VALID, CHAT, IMAGE, chat, numbered, user
from tests.training_data.rows import ASSISTANT as ANSWER

from pulumi_openai_ft._shared.api_limits import METHODS
from pulumi_openai_ft._training_data import checker
from pulumi_openai_ft._training_data.checker import CheckOptions, FileChecker
from pulumi_openai_ft._training_data.executors import InlineExecutor
from pulumi_openai_ft._training_data.problems import KINDS
from pulumi_openai_ft._training_data.reader import blocks
from pulumi_openai_ft._training_data.tokens import Tally


def check_pieces(
    content: bytes, method: str | None = None, size: int = 1000, longest: int = 10**6
) -> FileChecker:
    """Check a file that arrives in pieces of a given size."""
    tally = Tally(InlineExecutor(), lambda texts, common: len("".join(texts + common).encode()), 50)
    found = FileChecker(CheckOptions(method, "o200k_base", 50), tally)
    views = (memoryview(content[start : start + size]) for start in range(0, len(content), size))
    for block in blocks(views, longest):
        found.take(block)
    found.finish()
    return found


def summary(found: FileChecker) -> tuple[Any, ...]:
    return found.findings.counts, found.findings.first_problems(), found.examples, found.method


LINES = st.lists(
    st.binary(max_size=30) | st.sampled_from([json.dumps(row).encode() for _, row in ALL_VALID]), max_size=8
)


@settings(max_examples=200)
@given(LINES, st.sampled_from([None, *METHODS]))
def test_any_file_is_checked_without_raising(lines: list[bytes], method: str | None) -> None:
    found = check_pieces(b"\n".join(lines), method)

    assert found.examples >= 0


@given(LINES, st.integers(1, 300))
def test_findings_do_not_depend_on_piece_boundaries(lines: list[bytes], size: int) -> None:
    content = b"\n".join(lines)

    assert summary(check_pieces(content, "supervised", size)) == summary(
        check_pieces(content, "supervised", len(content) + 1)
    )


ROW, OTHER = json.dumps(CHAT), json.dumps(numbered(1))


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        ([ROW + OTHER, *OTHER.split(" ", 1)], {"json": 1, "several_lines": 1}),
        ([ROW + OTHER], {"json": 1}),
        ([ROW + OTHER, *json.dumps(CHAT).split(", ", 1)], {"json": 1, "several_lines": 1}),
    ],
    ids=["as many rows as lines", "two rows on a line", "split between two keys"],
)
def test_each_line_must_hold_one_row(lines: list[str], counts: dict[str, int]) -> None:
    found = check_pieces("\n".join(["", *lines, ROW]).encode(), "supervised")

    errors = {
        name: number for name, number in found.findings.counts.items() if KINDS[name].severity == "error"
    }
    assert errors == counts


@pytest.mark.parametrize("size", [40, 1000, 10**6])
@pytest.mark.parametrize("before", [0, 1, 30])
@pytest.mark.parametrize("indent", [0, 1, 4])
@pytest.mark.parametrize("blank", [b"", b"\n", b"  \n\r\n"])
def test_an_indented_object_is_one_error(before: int, indent: int, size: int, blank: bytes) -> None:
    rows = [json.dumps(numbered(number)).encode() + b"\n" for number in range(before)]
    indented = json.dumps(CHAT, indent=indent).encode().replace(b"\n", b"\n" + blank, 1) + b"\n"

    found = check_pieces(b"".join(rows) + indented * 20, size=size)

    errors = [
        (problem.kind, problem.line)
        for problem in found.findings.first_problems()
        if problem.severity == "error"
    ]
    assert errors == [("several_lines", before + 1)]


@pytest.mark.parametrize("size", [40, 1000, 10**6])
@pytest.mark.parametrize("end", [10, 50, -1])
@pytest.mark.parametrize("number", [0, 5, 11])
def test_a_damaged_line_hides_no_other_error(number: int, end: int, size: int) -> None:
    lines = [json.dumps(numbered(number)).encode() for number in range(12)]
    lines[number] = lines[number][:end]
    lines.append(b'{"messages": []}')

    found = check_pieces(b"\n".join(lines), size=size)

    errors = [
        (problem.kind, problem.line)
        for problem in found.findings.first_problems()
        if problem.severity == "error"
    ]
    assert errors == [("json", number + 1), ("messages", 13)]


def test_too_many_rows_with_images_are_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MOST_IMAGE_ROWS", 10)
    rows = [numbered(number, chat(user(IMAGE), ANSWER)) for number in range(12)]

    found = check_pieces("\n".join(map(json.dumps, rows)).encode())

    assert found.findings.counts["too_many_image_rows"] == 1
    assert [
        str(problem) for problem in found.findings.first_problems() if problem.kind == "too_many_image_rows"
    ] == ["the file has 12 examples with images; keep at most 50,000 examples with images"]


def test_a_too_long_line_does_not_hide_the_next() -> None:
    rows = [json.dumps(numbered(number)).encode() for number in range(10)]

    found = check_pieces(b"\n".join([b"x" * 5000, *rows, b"{"]), size=100, longest=1000)

    assert [
        (problem.kind, problem.line)
        for problem in found.findings.first_problems()
        if problem.severity == "error"
    ] == [
        ("line_too_long", 1),
        ("json", 12),
    ]
