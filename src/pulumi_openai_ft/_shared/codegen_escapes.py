"""Escapes in the inputs of imported resources, which Pulumi's code generator needs.

The generator puts a multi-line string between triple quotes and does not escape its content
(pkg/v3 3.259, gen_program_expressions.go). The host escapes it instead, so the state contains the escapes until the
first update. Diffs are not affected, because they compare the outputs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPES = {"\\": r"\\", '"': r"\"", "\r": r"\r"}
_CHARACTERS = {escape: character for character, escape in _ESCAPES.items()}
_TABLE = str.maketrans(_ESCAPES)
_ESCAPED = re.compile("|".join(map(re.escape, _CHARACTERS)))


def escape_for_codegen(value: Any) -> Any:
    """Escape inputs, so that the program that `pulumi import` prints has the same values."""
    return _translated(value, lambda text: text.translate(_TABLE))


def unescape_from_codegen(value: Any) -> Any:
    """Return the inputs before `escape_for_codegen`."""
    return _translated(value, lambda text: _ESCAPED.sub(lambda found: _CHARACTERS[found[0]], text))


def _translated(value: Any, translate: Callable[[str], str]) -> Any:
    """Translate all multi-line strings in a value. A string has as many lines with the escapes as without them."""
    if isinstance(value, dict):
        return {_translated(key, translate): _translated(item, translate) for key, item in value.items()}
    if isinstance(value, list):
        return [_translated(item, translate) for item in value]
    return translate(value) if isinstance(value, str) and _is_multiline(value) else value


def _is_multiline(text: str) -> bool:
    return text.count("\n") > 1 or "\n" in text[1:-1]
