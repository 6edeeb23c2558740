from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft._training_data import duplicates
from pulumi_openai_ft._training_data.duplicates import DuplicateFinder

if TYPE_CHECKING:
    import pytest


def test_a_duplicate_names_its_first_occurrence() -> None:
    seen = DuplicateFinder()

    assert list(seen.among([b"a", b"b"], range(1, 3))) == []
    assert list(seen.among([b"c", b"a", b"c", b"c"], range(3, 7))) == [(4, 1), (5, 3), (6, 3)]
    assert list(seen.among([b"d"], range(7, 8))) == []


def test_lines_of_another_file_are_found() -> None:
    training = DuplicateFinder()
    list(training.among([b"a", b"b"], range(1, 3)))

    assert list(training.shared([b"c", b"b"], [10, 12])) == [(12, 2)]
    assert list(training.shared([b"c"], range(10, 11))) == []


def test_memory_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_REMEMBERED", 2)
    seen = DuplicateFinder()
    list(seen.among([b"a", b"b"], range(1, 3)))

    assert list(seen.among([b"c", b"d"], range(3, 5))) == []
    assert list(seen.among([b"a", b"c"], range(6, 8))) == [(6, 1)]
