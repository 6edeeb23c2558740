"""The page of errors has a heading for each part of a message."""

from __future__ import annotations

import ast
import re

import pytest
from tests.docs.pages import PAGES, ROOT

from pulumi_openai_ft import errors
from pulumi_openai_ft._training_data.problems import KINDS

PAGE = PAGES["errors"]
PULUMIS = [
    "has a problem",
    "KeyError: '__provider'",
    "no folder at path",
    "the stack is currently locked",
    "failed to load checkpoint: EOF",
]
HEADINGS = [heading for heading in re.findall(r"^### (.+)$", PAGE, re.MULTILINE) if heading not in PULUMIS]


def texts_of(node: ast.AST) -> str:
    """Return all texts in a syntax tree, without the values of f-strings."""
    parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return "\n".join(part for part in parts if isinstance(part, str))


SOURCE = "\n".join(
    [texts_of(ast.parse(path.read_text())) for path in (ROOT / "src").rglob("*.py")]
    + [path.read_text() for path in (ROOT / "src").rglob("pulumi-resource-*")]
    + [kind.hint for kind in KINDS.values()]
)
"""Messages of this package and of the emulator, which uses OpenAI's."""


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_heading_is_part_of_a_message(heading: str) -> None:
    parts = [part.strip() for part in re.split(r"…|, ", heading)]

    assert [part for part in parts if part not in SOURCE] == []


def test_pulumis_messages_are_documented() -> None:
    assert [heading for heading in PULUMIS if f"### {heading}\n" not in PAGE] == []


def test_the_tree_of_errors_matches_the_package() -> None:
    (tree,) = re.findall(r"^```text\n(OpenAIFTError\n.*?)```", PAGE, re.DOTALL | re.MULTILINE)

    assert tree.strip() in (errors.__doc__ or "")
