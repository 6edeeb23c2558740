"""Parses error bodies: those of the API, and those of the frameworks behind which other services and gateways run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MARKUP = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)
_TEXTS = (
    "message",
    "Message",
    "error_description",
    "errorMessage",
    "detail",
    "error",
    "title",
    "msg",
    "reason",
)
"""Fields with a text, most specific first: `title` and `error` often repeat the name of the status."""
_REASONS = ("detail", "errors", "issues", "violations")
"""Fields with a list of reasons, or with a map from fields to reasons."""
_PATHS = ("loc", "path", "param", "field", "property", "instancePath", "pointer")
_REQUEST_PARTS = frozenset({"body", "query", "path", "header", "cookie", "json", "form"})
"""First elements of a FastAPI location, which name the part of the request and not a property."""
_NO_VALUES = ("", "None", "null")
"""Texts by which gateways write a missing value."""


@dataclass(frozen=True)
class ErrorBody:
    """The reasons in the body of an error response.

    Attributes:
        message: The reasons, with the paths of the properties that they concern; empty if the body gives none.
        code: Error code.
        kind: Error type.
        param: Path of the property that caused the error.
        is_api_error: Whether the body is the API's own error object, with a message.
    """

    message: str = ""
    code: str | None = None
    kind: str | None = None
    param: str | None = None
    is_api_error: bool = False


def parse_error(content: bytes) -> ErrorBody | None:
    """Return the reasons in an error body, or None if it is not a JSON error.

    A page that a gateway forwards as the message of its own error is not one: it does not reveal whether the request
    took effect.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    found = _of_text(body) if isinstance(body, str) else _of_object(body) if isinstance(body, dict) else None
    return None if found and _MARKUP.search(found.message) else found


def _of_text(text: str) -> ErrorBody | None:
    return ErrorBody(text) if text.strip() else None


def _of_object(body: Mapping[str, Any]) -> ErrorBody | None:
    error = body.get("error")
    if isinstance(error, Mapping) and error:
        message = error.get("message")
        is_api_error = isinstance(message, str) and bool(message.strip())
        return _with_fields(error, _message(error), is_api_error=is_api_error)
    if message := _message(body):
        return _with_fields(body, message)
    holds_lists = all(isinstance(value, list) for value in body.values())
    reasons = _by_field(body) if holds_lists else []
    return ErrorBody(_join(reasons), param=reasons[0][0]) if reasons else None


def _with_fields(fields: Mapping[str, Any], message: str, *, is_api_error: bool = False) -> ErrorBody:
    param = _value(fields.get("param")) or next(
        (path for _, reasons in _reason_lists(fields) for path, _ in reasons if path), None
    )
    return ErrorBody(message, _value(fields.get("code")), _value(fields.get("type")), param, is_api_error)


def _message(fields: Mapping[str, Any]) -> str:
    """Return the text of an error object, followed by the reasons for each property."""
    text = next((fields[name] for name in _TEXTS if _is_text(fields.get(name))), "")
    nested = next(
        (_message(fields[name]) for name in (*_TEXTS, *_REASONS) if _is_nested_error(fields.get(name))), ""
    )
    reasons = "; ".join(_join(reasons) for _, reasons in _reason_lists(fields))
    start = (text or nested).strip()
    return f"{start.rstrip('.:')}: {reasons}".lstrip(": ") if reasons else start


def _is_nested_error(value: object) -> bool:
    return isinstance(value, Mapping) and any(_is_text(value.get(name)) for name in _TEXTS)


def _reason_lists(fields: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the reasons of each field that holds a list of them, as pairs of a property path and a text."""
    found = ((name, _reasons(fields.get(name))) for name in (*_REASONS, "message", "error"))
    return [(name, reasons) for name, reasons in found if reasons]


def _reasons(value: object) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [] if _is_nested_error(value) else _by_field(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [reason for item in value if (reason := _reason(item))]


def _by_field(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the reasons of a map from properties to texts, or an empty list if it is something else."""
    lists = {name: [texts] if isinstance(texts, str) else texts for name, texts in value.items()}
    if not all(isinstance(texts, list) and texts and all(map(_is_text, texts)) for texts in lists.values()):
        return []
    return [(str(name), ", ".join(texts)) for name, texts in lists.items()]


def _reason(item: object) -> tuple[str, str] | None:
    if _is_text(item):
        return "", str(item)
    if not isinstance(item, Mapping):
        return None
    text = next((str(item[name]) for name in (*_TEXTS, "type") if _is_text(item.get(name))), "")
    source = item.get("source")
    places = [item.get(name) for name in _PATHS] + (
        [source.get("pointer")] if isinstance(source, Mapping) else []
    )
    path = next((found for place in places if (found := _path(place))), "")
    return (path, text) if text else None


def _path(place: object) -> str:
    """Return a property path such as `integrations[0].type`."""
    if isinstance(place, str):
        steps: list[Any] = [int(step) if step.isdigit() else step for step in place.strip("/").split("/")]
        return _path(steps) if place.startswith("/") else place
    if not isinstance(place, Sequence):
        return ""
    steps = list(place[1:] if place and place[0] in _REQUEST_PARTS else place)
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _join(reasons: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{path}: {text}" if path else text for path, text in reasons)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _value(value: object) -> str | None:
    return (
        None if value is None or isinstance(value, Mapping | list) or str(value) in _NO_VALUES else str(value)
    )
