"""Conventions of the tests themselves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
MAX_WORDS = 9


def names_of_tests() -> list[str]:
    """Return the names of all test functions and methods."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(TESTS.rglob("test_*.py"))]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [function.name for function in functions if function.name.startswith("test_")]


def test_each_test_name_has_nine_words_or_fewer() -> None:
    names = names_of_tests()

    assert "test_each_test_name_has_nine_words_or_fewer" in names
    assert [name for name in names if len(name.removeprefix("test_").split("_")) > MAX_WORDS] == []


def test_recipes_name_existing_tests() -> None:
    recipes = (TESTS.parent / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", recipes))

    assert named
    assert named - set(names_of_tests()) == set()
