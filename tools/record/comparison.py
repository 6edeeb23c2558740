"""Compare two recordings of the same sequence: statuses, kinds of bodies, fields, types and errors, not values."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.record.recording import Exchange, Recording, Response

ERROR_FIELDS = ("message", "type", "param", "code")
_ABSENT = "absent"
_SAMPLES = re.compile(r"\d+")
_JSON_TYPES = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    type(None): "null",
    dict: "object",
}


class Difference(NamedTuple):
    """A difference.

    Attributes:
        step: Name of the step.
        place: The status, a header, or the path of a field. Elements of lists share the path `…[]`.
        recorded: Description of the first recording's value.
        other: Description of the second recording's value.
    """

    step: str
    place: str
    recorded: str
    other: str


def compare(recorded: Recording, other: Recording) -> list[Difference]:
    """Return the differences, in the order of the first recording's steps. Then follow the steps that only one has."""
    first, second = _by_step(recorded), _by_step(other)
    found = [
        Difference(step, place, before, after)
        for step, exchange in first.items()
        if step in second
        for place, before, after in _differences(
            exchange.response, recorded.model, second[step].response, other.model
        )
    ]
    found += [Difference(step, "step", "sent", _ABSENT) for step in first if step not in second]
    found += [Difference(step, "step", _ABSENT, "sent") for step in second if step not in first]
    return found


def shape(body: Any, path: str = "") -> dict[str, set[str]]:
    """Return the JSON types that occur at each path of a body. Users choose the keys below `metadata`."""
    types: dict[str, set[str]] = defaultdict(set)
    for place, kind in _types(body, path):
        types[place].add(kind)
    return dict(types)


def _by_step(recording: Recording) -> dict[str, Exchange]:
    """Return the first exchange of each step, in order."""
    found: dict[str, Exchange] = {}
    for exchange in recording.exchanges:
        found.setdefault(exchange.step, exchange)
    return found


def _differences(
    first: Response, first_model: str, second: Response, second_model: str
) -> Iterator[tuple[str, str, str]]:
    if first.status != second.status:
        yield "status", str(first.status), str(second.status)
    kinds = _kind(first), _kind(second)
    if kinds[0] != kinds[1]:
        yield "kind of body", *kinds
        return
    if kinds[0] != "JSON":
        return
    if first.is_success == second.is_success:
        yield from _shape_differences(shape(first.body), shape(second.body))
    before = _compared_values(first.body, first_model)
    after = _compared_values(second.body, second_model)
    for place in (*before, *(place for place in after if place not in before)):
        values = before.get(place, _ABSENT), after.get(place, _ABSENT)
        if values[0] != values[1] and _ABSENT not in values:
            yield place, *values


def _shape_differences(
    first: dict[str, set[str]], second: dict[str, set[str]]
) -> Iterator[tuple[str, str, str]]:
    for place in (*first, *(place for place in second if place not in first)):
        if not _known_parent(place, first, second):
            continue
        before, after = first.get(place), second.get(place)
        if before != after:
            yield place or "body", _described(before), _described(after)


def _known_parent(place: str, first: dict[str, set[str]], second: dict[str, set[str]]) -> bool:
    """Return whether both bodies have the object or list that contains a place; otherwise only that is reported."""
    if not place:
        return True
    parent = place[:-2] if place.endswith("[]") else place.rpartition(".")[0]
    kind = "list" if place.endswith("[]") else "object"
    return all(kind in types.get(parent, ()) for types in (first, second))


def _types(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        yield path, "list"
        for item in value:
            yield from _types(item, f"{path}[]")
        return
    yield path, _JSON_TYPES[type(value)]
    if isinstance(value, dict) and path.rpartition(".")[2] != "metadata":
        for key, item in value.items():
            yield from _types(item, f"{path}.{key}" if path else key)


def _compared_values(body: Any, model: str) -> dict[str, str]:
    """Return the kinds of objects, and the fields of the API's error."""
    found: dict[str, str] = {}
    if not isinstance(body, dict):
        return found
    if isinstance(body.get("object"), str):
        found["object"] = body["object"]
    error = body.get("error")
    if not isinstance(error, dict) or "status" in body:  # the error of a job is not that of a request
        return found
    for name in ERROR_FIELDS:
        if error.get(name) is not None:
            found[f"error.{name}"] = _SAMPLES.sub("N", str(error[name]).replace(model, "MODEL"))
    return found


def _described(types: set[str] | None) -> str:
    return " or ".join(sorted(types)) if types else _ABSENT


def _kind(response: Response) -> str:
    if response.text is None:
        return "JSON"
    return response.headers.get("content-type", "no content type").split(";")[0] if response.text else "empty"
