"""Descriptions of the fields of pydantic models, for docstrings."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from tools.docs.types import constraints

if TYPE_CHECKING:
    from pydantic import BaseModel

WIDTH = 100
"""Longest line of a docstring, without its indentation."""


def described(model: type[BaseModel], name: str) -> str:
    """Return the description of a field, with its default and the constraints and choices that the description omits."""
    field = model.model_fields[name]
    text = str(field.description).removesuffix(".")
    schema = model.model_json_schema()["properties"][name]
    omitted = [one for one in constraints(schema) if not set(_numbers(one)) <= set(_numbers(text))]
    if omitted:
        text = f"{text} ({', '.join(omitted)})"
    choices = [f"`{one}`" for one in schema.get("enum", ())]
    if not all(one in text for one in choices):
        text = f"{text}: {', '.join(choices[:-1])} or {choices[-1]}"
    if isinstance(field.default, bool):
        text = f"{text}; {field.default} by default"
    elif isinstance(field.default, str):
        text = f"{text}; `{field.default}` by default"
    return f"{text}."


def docstring(text: str) -> str:
    """Return a docstring, with lines of limited length."""
    short = f'"""{text}"""'
    return short if len(short) <= WIDTH and "\n" not in text else f'"""{_wrapped(text)}\n"""'


def _wrapped(text: str) -> str:
    """Return paragraphs in lines of limited length. The first line leaves space for the quotes."""
    width = WIDTH - len('"""')
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        textwrap.fill(one, width, break_long_words=False, break_on_hyphens=False) for one in paragraphs
    )


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text)
