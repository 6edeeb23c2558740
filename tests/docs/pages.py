"""The pages of the documentation, as written and as built, and readers for their content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.docs.reference import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PATHS = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
TEXT_SUFFIXES = {"", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_INLINE = re.compile(r"`([^`\n]+)`")


def name_of(path: Path) -> str:
    """Return a page's name in test ids and in the menu, such as `resources/file`."""
    return str(path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).with_suffix(""))


PAGES = {name_of(path): path.read_text() for path in PATHS}
"""The pages as written, by name."""
BUILT = {name: expanded(text) for name, text in PAGES.items()}
"""The pages with their generated reference tables, by name."""


def text_files(*places: str) -> list[Path]:
    """Return the text files of the repository in these folders or with these names."""
    roots = [ROOT / place for place in places]
    assert [root for root in roots if not root.exists()] == []
    found = [file for root in roots for file in (root.rglob("*") if root.is_dir() else [root])]
    return sorted(file for file in found if file.is_file() and file.suffix in TEXT_SUFFIXES)


@dataclass(frozen=True)
class Sample:
    """A block of code in a page.

    Attributes:
        place: Page and line, for test ids.
        language: Language that the page declares, such as `python`; empty by default.
        text: The code.
    """

    place: str
    language: str
    text: str


def samples(page: str) -> Iterator[Sample]:
    text = PAGES[page]
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        indent = found["indent"]
        code = "".join(row.removeprefix(indent) for row in found["text"].splitlines(keepends=True))
        yield Sample(f"{page}:{line}", found["language"], code)


ALL_SAMPLES = [sample for page in PAGES for sample in samples(page)]


def inline_code(page: str) -> list[str]:
    """Return the texts between single backticks outside of code blocks."""
    return _INLINE.findall(_FENCE.sub("", PAGES[page]))


def tables(page: str) -> dict[str, list[dict[str, str]]]:
    """Return the first table below each heading of a built page: heading → rows, each with its cells by
    column.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for part in re.split(r"^#+ ", BUILT[page], flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        rows = re.search(r"(?:^\|.*\|\n?)+", body, re.MULTILINE)
        if rows:
            head, _, *others = [_cells(line) for line in rows[0].splitlines()]
            found[heading] = [dict(zip(head, cells, strict=True)) for cells in others]
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
