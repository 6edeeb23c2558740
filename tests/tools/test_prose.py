"""The check of the project's English, `python -m tools.prose`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tools.prose.__main__ import AREAS, KINDS, ROOT, Pattern, files, load_patterns
from tools.prose.sources import passages

if TYPE_CHECKING:
    from pathlib import Path

MODULE = '''"""What a module is."""

LIMIT = 3
"""The largest `what`."""


def upload() -> None:
    """Whether it says so."""
    # a comment of four words  # noqa: E501
    raise ValueError(f"the file {upload} says what it is")
'''
PAGE_NAME = "page" + ".md"  # not a citation of a document
PAGE = """# A title

Some text that says `said` in code
and tells more.

| name | meaning |
| --- | --- |
| `told` | a cell |

```
said
```
"""


def read(folder: Path, name: str, content: str) -> dict[str, list[tuple[int, str]]]:
    (folder / name).write_text(content)
    found: dict[str, list[tuple[int, str]]] = {}
    for passage in passages(folder / name):
        found.setdefault(passage.kind, []).append((passage.line, " ".join(passage.text.split())))
    return found


def test_python_prose_is_docstrings_comments_and_messages(tmp_path: Path) -> None:
    assert read(tmp_path, "module.py", MODULE) == {
        "module docstring": [(1, "What a module is.")],
        "other docstring": [(4, "The largest .")],
        "docstring": [(8, "Whether it says so.")],
        "comment": [(9, "a comment of four words")],
        "message": [(10, "says what it is")],
    }


def test_markdown_prose_excludes_code(tmp_path: Path) -> None:
    found = read(tmp_path, PAGE_NAME, PAGE)

    assert found["text"] == [
        (1, "A title"),
        (3, "Some text that says in code and tells more."),
        (6, "name"),
        (6, "meaning"),
        (8, "a cell"),
    ]


@pytest.mark.parametrize("pattern", load_patterns(), ids=lambda pattern: pattern.name)
def test_each_pattern_has_a_bound_and_advice(pattern: Pattern) -> None:
    assert re.compile(pattern.regex)
    assert pattern.advice
    assert pattern.limit < 100 or pattern.at_least > 0
    assert set(pattern.kinds) <= set(KINDS)
    assert set(pattern.areas) <= set(AREAS)


def test_rates_count_words_or_passages(tmp_path: Path) -> None:
    (tmp_path / PAGE_NAME).write_text("told " * 10 + "word " * 90)
    (tmp_path / "module.py").write_text(MODULE)
    text, module = list(passages(tmp_path / PAGE_NAME)), list(passages(tmp_path / "module.py"))

    assert Pattern("tell", r"\btold\b", "report").rate(text) == 1_000
    assert (
        Pattern("start", r"\A(?:Whether)\b", "verb", per="passage", kinds=("docstring",)).rate(module) == 100
    )


def test_every_area_has_files() -> None:
    for names in AREAS.values():
        assert len(list(files(ROOT / name for name in names))) > 20
