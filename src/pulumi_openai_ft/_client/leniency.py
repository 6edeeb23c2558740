"""Conversion of values that services return in another form than the API documents.

Each function returns the converted value, or None if the value cannot be read, which then counts as missing.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LATEST = 253_402_300_799
"""The last second of the year 9999. Greater numbers are not times in seconds."""
LARGEST = 2**63
"""Greater numbers are not counts."""


def seconds(value: Any) -> int | None:
    """Return Unix seconds from a number, its text, or a date and time in ISO format, which is UTC without an offset."""
    number = _number(value)
    if number is None and isinstance(value, str):
        try:
            time = datetime.fromisoformat(value.strip())
            number = time.replace(tzinfo=time.tzinfo or UTC).timestamp()
        except (ValueError, OverflowError):
            return None
    return int(number) if number is not None and 0 <= number <= LATEST else None


def whole(value: Any) -> int | None:
    """Return a whole number, also from a float or a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) <= LARGEST else None
    number = _number(value)
    return int(number) if number is not None and abs(number) <= LARGEST and number == int(number) else None


def text(value: Any) -> str | None:
    """Return a text for people. Numbers and objects are written as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def identifier(value: Any) -> Any:
    """Return an id, also from a number or from the object that has the id. Leave other values to the validation."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if value != "" else None


def identifiers(value: Any) -> list[str] | None:
    """Return the ids of a list, without entries that have none."""
    if not isinstance(value, list):
        return None
    return [found for entry in value if isinstance(found := identifier(entry), str)]


def texts(value: Any) -> Any:
    """Return a map whose values are texts, without nulls. Leave anything but a map to the validation."""
    if not isinstance(value, dict):
        return value or None
    return {name: text(entry) for name, entry in value.items() if entry is not None}


def objects(value: Any) -> list[dict[str, Any]] | None:
    """Return the objects of a list, without entries of another type."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else None


def numbers(value: Any) -> dict[str, float] | None:
    """Return a map whose values are numbers, without entries of another type."""
    if not isinstance(value, dict):
        return None
    return {name: number for name, entry in value.items() if (number := _number(entry)) is not None}


def described_error(value: Any) -> Any:
    """Return an error object, also from its text."""
    return {"message": value} if isinstance(value, str) and value else value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("created", "created_at", "expires_at", "finished_at", "estimated_finish"), seconds),
    **dict.fromkeys(("bytes", "seed", "step_number", "trained_tokens"), whole),
    **dict.fromkeys(("code", "level", "message", "param", "status_details"), text),
    **dict.fromkeys(("id", "training_file", "validation_file"), identifier),
    "error": described_error,
    "integrations": objects,
    "metadata": texts,
    "metrics": numbers,
    "result_files": identifiers,
}
"""Conversions by the name of the field. A field has the same meaning in every object."""
