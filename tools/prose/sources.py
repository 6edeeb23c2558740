"""Read prose from Markdown pages and Python modules: text, docstrings, comments and messages, without code."""

from __future__ import annotations

import ast
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CODE = re.compile(r"``.+?``|`[^`]+`|\{[^{}]*\}|<[^<>]+>|\[\[.+?\]\]|https?://\S+")
_DIRECTIVE = re.compile(r"# (?:noqa(?:: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*)?|type: ignore(?:\[[\w, -]+\])?)(?: - )?")
_NO_PROSE = ("#!", "# <<<")
_WORD = re.compile(r"[A-Za-z]+(?:['\u2019-][A-Za-z]+)*")
_MARKDOWN = MarkdownIt().enable("table")
FEWEST_WORDS_OF_A_MESSAGE = 4


@dataclass(frozen=True)
class Passage:
    """A piece of prose.

    Attributes:
        path: File that contains it.
        line: Number of its first line.
        kind: `text`, `docstring`, `module docstring`, `comment` or `message`.
        text: The prose, without code.
    """

    path: Path
    line: int
    kind: str
    text: str

    @property
    def words(self) -> int:
        """Number of words."""
        return len(_WORD.findall(self.text))


def passages(path: Path) -> Iterator[Passage]:
    """Yield the prose of a `.md` or `.py` file."""
    source = path.read_text(encoding="utf-8")
    found = _markdown(source) if path.suffix == ".md" else _python(source)
    for line, kind, text in found:
        if without_code := _CODE.sub(" ", text).strip():
            yield Passage(path, line, kind, without_code)


def _markdown(source: str) -> Iterator[tuple[int, str, str]]:
    for token in _MARKDOWN.parse(source):
        if token.type != "inline":
            continue
        line = (token.map or [0])[0] + 1
        text = ""
        for child in token.children or []:
            if child.type == "text":
                text += child.content
            elif child.type == "code_inline":
                text += f"`{child.content}`"
            elif child.type in ("softbreak", "hardbreak"):
                text += "\n"
        yield line, "text", text


def _python(source: str) -> Iterator[tuple[int, str, str]]:
    tree = ast.parse(source)
    docstrings = {id(node): kind for node, kind in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            kind = docstrings.get(id(node))
            if kind or len(_WORD.findall(node.value)) >= FEWEST_WORDS_OF_A_MESSAGE:
                yield node.lineno, kind or "message", node.value
    for token in tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__):
        if token.type == tokenize.COMMENT and not token.string.startswith(_NO_PROSE):
            yield token.start[0], "comment", _DIRECTIVE.sub(" ", token.string).strip("# ")


def _docstrings(tree: ast.Module) -> Iterator[tuple[ast.Constant, str]]:
    """Yield docstrings of modules, classes and functions, and the strings after attributes."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for index, statement in enumerate(body if isinstance(body, list) else []):
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                continue
            if index == 0 and isinstance(node, ast.Module):
                yield statement.value, "module docstring"
            elif index == 0 and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield statement.value, "docstring"
            else:
                yield statement.value, "other docstring"
