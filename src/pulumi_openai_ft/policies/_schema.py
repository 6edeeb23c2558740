"""JSON schemas for the options of rules, and their validation.

The engine validates values with the same schemas, but does not detect misspelled names.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]
DATE = r"^(\d{4}-\d{2}-\d{2})?$"
_FORMS = {
    "array": "a list of strings",
    "boolean": "true or false",
    "integer": "an integer",
    "object": "an object with string values",
    "string": "a string",
}


def whole_number(default: int, description: str, *, least: int = 1) -> Schema:
    """Return the schema of an integer."""
    return {"type": "integer", "minimum": least, "default": default, "description": description}


def text(default: str, description: str, *, form: str = "") -> Schema:
    """Return the schema of a string that matches a pattern, if given."""
    schema: Schema = {"type": "string", "default": default, "description": description}
    return {**schema, "pattern": form} if form else schema


def expression(default: str, description: str) -> Schema:
    """Return the schema of a regular expression."""
    return {"type": "string", "format": "regex", "default": default, "description": description}


def choice(default: str, *others: str, description: str) -> Schema:
    """Return the schema of an enumeration."""
    return {"type": "string", "enum": [default, *others], "default": default, "description": description}


def switch(*, default: bool, description: str) -> Schema:
    """Return the schema of a boolean."""
    return {"type": "boolean", "default": default, "description": description}


def texts(description: str, *default: str) -> Schema:
    """Return the schema of a list of strings."""
    return {
        "type": "array",
        "items": {"type": "string"},
        "default": list(default),
        "description": description,
    }


def pairs(description: str) -> Schema:
    """Return the schema of an object with string values."""
    return {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "default": {},
        "description": description,
    }


EXEMPT = {"exempt": texts("Names of resources that the rule skips.")}
UNKNOWNS = {
    "unknowns": choice(
        "skip", "report", description="Whether to skip or report values that a preview does not know yet."
    )
}


def defaults(schema: Mapping[str, Schema]) -> dict[str, Any]:
    """Return the default of each option."""
    return {name: form["default"] for name, form in schema.items()}


def schema_errors(schema: Mapping[str, Schema], given: Mapping[str, Any]) -> list[str]:
    """Return the problems with the configuration of a rule."""
    known = ", ".join(sorted(schema))
    return [
        f"unknown option {name!r}, must be one of {known}{did_you_mean(name, schema)}"
        if name not in schema
        else f"{name} is {value!r}, must be {_expected(schema[name])}{did_you_mean(value, schema[name].get('enum', ()))}"
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
    if form.get("pattern") == DATE and value:
        return _is_date(value)
    if form.get("format") == "regex":
        try:
            re.compile(value)
        except re.error:
            return False
    return value in form.get("enum", [value]) and bool(re.search(form.get("pattern", ""), value))


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _expected(form: Schema) -> str:
    if "enum" in form:
        return " or ".join(map(repr, form["enum"]))
    if form.get("pattern") == DATE:
        return "a date such as 2027-01-06"
    if form.get("format") == "regex":
        return "a regular expression"
    least = f" of at least {form['minimum']}" if "minimum" in form else ""
    return f"{_FORMS[form['type']]}{least}"
