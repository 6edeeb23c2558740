"""What can be configured of a rule: the few forms of JSON schema that rules use, and what is wrong with a value.

The engine checks values by the same schemas; it does not see misspelt names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]
DATE = r"^(\d{4}-\d{2}-\d{2})?$"
_FORMS = {
    "array": "a list of texts",
    "boolean": "true or false",
    "integer": "a whole number",
    "object": "an object of texts",
    "string": "a text",
}


def whole_number(default: int, description: str, *, least: int = 1) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "default": default, "description": description}


def text(default: str, description: str, *, form: str = "") -> Schema:
    """A text, of a form if one is given."""
    schema: Schema = {"type": "string", "default": default, "description": description}
    return {**schema, "pattern": form} if form else schema


def expression(default: str, description: str) -> Schema:
    """A regular expression."""
    return {"type": "string", "format": "regex", "default": default, "description": description}


def choice(default: str, *others: str, description: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": [default, *others], "default": default, "description": description}


def switch(*, default: bool, description: str) -> Schema:
    """Yes or no."""
    return {"type": "boolean", "default": default, "description": description}


def texts(description: str, *default: str) -> Schema:
    """A list of texts."""
    return {
        "type": "array",
        "items": {"type": "string"},
        "default": list(default),
        "description": description,
    }


def pairs(description: str) -> Schema:
    """Texts by name."""
    return {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "default": {},
        "description": description,
    }


EXEMPT = {"exempt": texts("Names of resources that the rule leaves alone.")}
UNKNOWNS = {
    "unknowns": choice(
        "skip", "report", description="What to do with values that a preview does not know yet."
    )
}


def defaults(schema: Mapping[str, Schema]) -> dict[str, Any]:
    """The value of each property that is not configured."""
    return {name: form["default"] for name, form in schema.items()}


def schema_errors(schema: Mapping[str, Schema], given: Mapping[str, Any]) -> list[str]:
    """What is wrong with the configuration of a rule, a clause each."""
    known = ", ".join(sorted(schema))
    return [
        f"{name} is not known, write one of {known}"
        if name not in schema
        else f"{name} is {value!r}, write {_expected(schema[name])}"
        for name, value in given.items()
        if name not in schema or not _fits(schema[name], value)
    ]


def _fits(form: Schema, value: Any) -> bool:
    kind = form["type"]
    if kind == "integer":
        whole = isinstance(value, float) and value.is_integer()
        return (whole or type(value) is int) and bool(value >= form["minimum"])
    if isinstance(value, dict) and kind == "object":
        return all(isinstance(item, str) for item in value.values())
    if isinstance(value, list) and kind == "array":
        return all(isinstance(item, str) for item in value)
    if isinstance(value, str) and kind == "string":
        return _text_fits(form, value)
    return isinstance(value, bool) and kind == "boolean"


def _text_fits(form: Schema, value: str) -> bool:
    if form.get("format") == "regex":
        try:
            re.compile(value)
        except re.error:
            return False
    return value in form.get("enum", [value]) and bool(re.search(form.get("pattern", ""), value))


def _expected(form: Schema) -> str:
    if "enum" in form:
        return " or ".join(map(repr, form["enum"]))
    if form.get("pattern") == DATE:
        return "a date such as 2027-01-06"
    if form.get("format") == "regex":
        return "a regular expression"
    least = f" from {form['minimum']}" if "minimum" in form else ""
    return f"{_FORMS[form['type']]}{least}"
