"""What a JSON body may hold, said as data: each check takes a value and its path and raises a 400 where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pulumi_openai_ft.emulator.errors import ApiError, invalid

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
    """Accepts every JSON value."""


def flag(value: Any, path: str) -> None:
    """Accepts true and false."""
    if not isinstance(value, bool):
        raise _wrong_type(path, "a boolean", value)


def text(minimum: int = 0, maximum: int | None = None, pattern: str | None = None) -> Check:
    """Accepts a string of `minimum` to `maximum` characters that matches `pattern` as a whole."""

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
    """Accepts an integer within the bounds, both included."""

    def check(value: Any, path: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(path, "an integer", value)
        if minimum is not None and value < minimum:
            raise _wrong_value(path, f"a value >= {minimum}", value, "integer_below_min_value")
        if maximum is not None and value > maximum:
            raise _wrong_value(path, f"a value <= {maximum}", value, "integer_above_max_value")

    return check


def number(above: float | None = None, maximum: float | None = None, minimum: float | None = None) -> Check:
    """Accepts a number; `above` is an exclusive bound, the others are inclusive."""

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
    """Accepts one of the given strings."""

    def check(value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise _wrong_type(path, "a string", value)
        if value not in allowed:
            raise _wrong_value(path, "one of " + ", ".join(f"'{name}'" for name in allowed), value)

    return check


def either(word: str, check: Check) -> Check:
    """Accepts the given word, as "auto", or what `check` accepts."""

    def check_either(value: Any, path: str) -> None:
        if value != word:
            check(value, path)

    return check_either


def nullable(check: Check) -> Check:
    """Accepts null, or what `check` accepts."""

    def check_nullable(value: Any, path: str) -> None:
        if value is not None:
            check(value, path)

    return check_nullable


def items(check: Check, *, minimum: int = 0, maximum: int | None = None) -> Check:
    """Accepts an array of `minimum` to `maximum` items that each pass `check`."""

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
    """Accepts an object of any keys up to a length and a number, whose values each pass `check`."""

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
    """Accepts an object with all `required` keys, any of the `optional` ones, and no other."""
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
