from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft._training_data import duplicates
from pulumi_openai_ft._training_data.duplicates import DuplicateFinder

if TYPE_CHECKING:
    import pytest


def test_a_duplicate_names_its_first_occurrence() -> None:
    seen = DuplicateFinder()

    assert list(seen.among([b"a", b"b"], 1)) == []
    assert list(seen.among([b"c", b"a", b"c", b"c"], 3)) == [(4, 1), (5, 3), (6, 3)]
    assert list(seen.among([b"d"], 7)) == []


def test_blank_lines_repeat_nothing() -> None:
    assert list(DuplicateFinder().among([b"", b"", b" ", b" "], 1)) == []


def test_lines_of_another_file_are_found() -> None:
    training = DuplicateFinder()
    list(training.among([b"a", b"b", b""], 1))

    assert list(training.shared([b"c", b"", b"b"], 10)) == [(12, 2)]
    assert list(training.shared([b"c"], 10)) == []


def test_memory_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_REMEMBERED", 2)
    seen = DuplicateFinder()
    list(seen.among([b"a", b"b"], 1))

    assert list(seen.among([b"c", b"d"], 3)) == []
    assert list(seen.among([b"a", b"c"], 6)) == [(6, 1)]
