"""Property paths in Pulumi's syntax: `method.supervised.hyperparameters.n_epochs`, `metadata["team.name"]`."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    Step = str | int

_BARE_KEY = re.compile(r"\w+", re.ASCII)
_STEP = re.compile(r'\.?([^.\["]+)|\[(\d+)\]|\["((?:\\"|[^"])*)"\]')
"""A step of a path: a name, an index or a quoted key."""


def format_path(steps: Iterable[Step]) -> str:
    """Join steps into a path. Stop before the first step that the syntax cannot express."""
    return "".join(map(_format_step, takewhile(_is_expressible, steps)))


def top_level(path: str) -> str:
    """Return the top-level property of a path."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def get_at(path: str, value: Any) -> Any:
    """Return the value at a path, or None."""
    for name, index, key in _STEP.findall(path):
        step = int(index) if index else name or key.replace(r"\"", '"')
        try:
            value = value[step]
        except (IndexError, KeyError, TypeError):
            return None
    return value


def _is_expressible(step: Step) -> bool:
    # the syntax escapes quotes but not backslashes: the engine fails on a key that ends with a backslash
    return not str(step).endswith("\\")


def _format_step(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _BARE_KEY.fullmatch(step):
        return f".{step}"
    quoted = step.replace('"', r"\"")
    return f'["{quoted}"]'
