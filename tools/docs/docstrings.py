"""Parser for docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns):\n((?:[ ]{4}.*\n?|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^(\w+): ((?:.|\n(?=[ ]))*)", re.MULTILINE)


def text(described: Any) -> str:
    """Return a docstring without its sections, each paragraph on a single line."""
    prose = _SECTION.sub("", inspect.getdoc(described) or "")
    return "\n\n".join(_joined(paragraph) for paragraph in prose.split("\n\n") if paragraph.strip())


def entries(described: Any, section: str) -> dict[str, str]:
    """Return the descriptions in a section such as `Args` by name."""
    bodies = dict(_SECTION.findall(inspect.getdoc(described) or ""))
    body = inspect.cleandoc("\n" + bodies.get(section, ""))
    return {name: _joined(description) for name, description in _ENTRY.findall(body)}


def _joined(lines: str) -> str:
    return " ".join(lines.split())
