"""Inputs of an import, so that the program that the engine prints for them says the same.

Pulumi's generator writes a text of several lines between triple quotes and escapes nothing in it (pkg/v3 3.259,
`codegen/python/gen_program_expressions.go`), so a backslash in it becomes another text, or no Python at all. What is
escaped here is only printed: the state's outputs, by which resources are compared, stay as they are.
"""

from __future__ import annotations

from typing import Any

ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\r": r"\r"})


def printable(value: Any) -> Any:
    """The value with escapes where the generator forgets them."""
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value.translate(ESCAPES) if isinstance(value, str) and _is_of_several_lines(value) else value


def _is_of_several_lines(text: str) -> bool:
    return text.count("\n") > 1 or "\n" in text[1:-1]
