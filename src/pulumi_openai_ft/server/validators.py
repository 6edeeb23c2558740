"""Declarative validators for JSON bodies. Each check takes a value and its path, and raises a 400 if it is invalid."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pulumi_openai_ft.server.errors import ApiError, invalid

Check = Callable[[Any, str], None]

_NAMES = {
    bool: "a boolean",
    dict: "an object",
    float: "a number",
    int: "an integer",
    list: "an array",
    str: "a string",
    type(None): "null",
}


def _wrong_type(path: str, expected: str, value: Any) -> ApiError:
    found = _NAMES.get(type(value), "something else")
    return invalid(
        f"Invalid type for '{path}': expected {expected}, but got {found} instead.", path, "invalid_type"
    )


def _wrong_value(path: str, expected: str, value: Any, code: str = "invalid_value") -> ApiError:
    return invalid(f"Invalid value for '{path}': expected {expected}, but got {value!r} instead.", path, code)


def anything(value: Any, path: str) -> None:
    """Accept any JSON value."""


def flag(value: Any, path: str) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise _wrong_type(path, "a boolean", value)


def text(minimum: int = 0, maximum: int | None = None, pattern: str | None = None) -> Check:
    """Accept a string of `minimum` to `maximum` characters that completely matches `pattern`."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise _wrong_type(path, "a string", value)
        if len(value) < minimum:
            raise _wrong_value(path, f"at least {minimum} character(s)", value, "string_below_min_length")
        if maximum is not None and len(value) > maximum:
            expected = f"at most {maximum} characters"
            raise _wrong_value(path, expected, f"{len(value)} of them", "string_above_max_length")
        if pattern is not None and not re.fullmatch(pattern, value):
            raise _wrong_value(path, f"a string that matches {pattern}", value)

    return check


def whole(minimum: int | None = None, maximum: int | None = None) -> Check:
    """Accept an integer within inclusive bounds."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(path, "an integer", value)
        if minimum is not None and value < minimum:
            raise _wrong_value(path, f"a value >= {minimum}", value, "integer_below_min_value")
        if maximum is not None and value > maximum:
            raise _wrong_value(path, f"a value <= {maximum}", value, "integer_above_max_value")

    return check


def number(above: float | None = None, maximum: float | None = None, minimum: float | None = None) -> Check:
    """Accept a number. `above` is an exclusive bound; the other bounds are inclusive."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(path, "a number", value)
        if above is not None and not value > above:
            raise _wrong_value(path, f"a value > {above}", value, "decimal_below_min_value")
        if minimum is not None and not value >= minimum:
            raise _wrong_value(path, f"a value >= {minimum}", value, "decimal_below_min_value")
        if maximum is not None and not value <= maximum:
            raise _wrong_value(path, f"a value <= {maximum}", value, "decimal_above_max_value")

    return check


def one_of(*allowed: str) -> Check:
    """Accept one of the given strings."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise _wrong_type(path, "a string", value)
        if value not in allowed:
            raise _wrong_value(path, "one of " + ", ".join(f"'{name}'" for name in allowed), value)

    return check


def either(word: str, check: Check) -> Check:
    """Accept a given word, such as "auto", or any value that passes `check`."""

    def check_either(value: Any, path: str) -> None:
        if value != word:
            check(value, path)

    return check_either


def nullable(check: Check) -> Check:
    """Accept null, or any value that passes `check`."""

    def check_nullable(value: Any, path: str) -> None:
        if value is not None:
            check(value, path)

    return check_nullable


def items(check: Check, *, minimum: int = 0, maximum: int | None = None) -> Check:
    """Accept an array of `minimum` to `maximum` items that each pass `check`."""

    def check_items(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise _wrong_type(path, "an array", value)
        if len(value) < minimum:
            raise _wrong_value(path, f"at least {minimum} item(s)", value, "array_below_min_length")
        if maximum is not None and len(value) > maximum:
            raise _wrong_value(
                path, f"at most {maximum} items", f"{len(value)} of them", "array_above_max_length"
            )
        for index, item in enumerate(value):
            check(item, f"{path}[{index}]")

    return check_items


def pairs(check: Check, *, longest_key: int | None = None, maximum: int | None = None) -> Check:
    """Accept an object with at most `maximum` keys of at most `longest_key` characters, whose values pass `check`."""

    def check_pairs(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(path, "an object", value)
        if maximum is not None and len(value) > maximum:
            expected = f"at most {maximum} pairs"
            raise _wrong_value(path, expected, f"{len(value)} of them", "object_above_max_properties")
        for key, item in value.items():
            text(maximum=longest_key)(key, f"{path} key")
            check(item, f"{path}.{key}")

    return check_pairs


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Accept an object with all `required` keys and any of the `optional` keys, and no other keys."""
    known = {**(optional or {}), **required}

    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(path or "body", "an object", value)
        for key in value:
            if key not in known:
                place = _join(path, key)
                raise invalid(f"Unknown parameter: '{place}'.", place, "unknown_parameter")
        for key in required:
            if key not in value:
                place = _join(path, key)
                raise invalid(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")
        for key, item in value.items():
            known[key](item, _join(path, key))

    return check


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
