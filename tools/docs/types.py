"""Descriptions of the types of a model's fields, from the JSON Schema that pydantic generates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SIMPLE = {"string": "`str`", "integer": "`int`", "number": "`float`", "boolean": "`bool`"}
CONTAINERS = {"object": "dict", "array": "list"}


def in_words(schema: dict[str, Any]) -> str:
    """Return the type of a field with the constraints on its values. Models are links to their tables."""
    branches = list(_branches(schema))
    containers = {
        kind: _item_types(branch) for branch in branches if (kind := branch.get("type")) in CONTAINERS
    }
    scalars = [branch for branch in branches if branch.get("type") not in CONTAINERS]
    if scalars and all(items == scalars for items in containers.values()):
        return ", or a ".join(filter(None, [_listed(scalars), _these(containers)]))
    return _listed(branches)


def constraints(schema: dict[str, Any]) -> list[str]:
    """Return the constraints on the values of a field, in words."""
    found = (_count(one) if one.get("type") == "array" else _bounds(one) for one in _branches(schema))
    return [one.removeprefix(", ") for one in found if one]


def _item_types(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the types of the items of a list or a dictionary."""
    items = schema.get("items", schema.get("additionalProperties"))
    return list(_branches(items)) if isinstance(items, dict) else []


def _these(kinds: Iterable[str]) -> str:
    names = " or ".join(CONTAINERS[kind] for kind in kinds)
    return names and f"{names} of these"


def _listed(branches: Iterable[dict[str, Any]]) -> str:
    words = list(dict.fromkeys(word for branch in branches for word in _words(branch)))
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "anything"


def _branches(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the branches of a union, except None: an input that is None is omitted."""
    union = schema.get("anyOf") or schema.get("oneOf")
    if not union and schema.get("type") != "null":
        yield schema
    for branch in union or ():
        yield from _branches(branch)


def _words(schema: dict[str, Any]) -> list[str]:
    match schema:
        case {"$ref": reference}:
            name = reference.rsplit("/", 1)[1]
            return [f"[{name}](#{name.lower()})"]
        case {"enum": choices}:
            return [f"`{json.dumps(choice)}`" for choice in choices]
        case {"const": True}:
            return ["`True`"]
        case {"const": value}:
            return [f"`{json.dumps(value)}`"]
        case {"type": "array"}:
            return [f"list of {in_words(schema.get('items', {}))}{_count(schema)}"]
        case {"type": "object"}:
            return [_map(schema.get("additionalProperties"))]
        case {"type": simple}:
            return [SIMPLE[simple] + _bounds(schema)]
    return ["anything"]


def _map(values: dict[str, Any] | bool | None) -> str:  # noqa: FBT001 - JSON Schema's True is "anything"
    return f"dict of {in_words(values)}" if isinstance(values, dict) else "dict"


def _count(schema: dict[str, Any]) -> str:
    most, least = schema.get("maxItems"), schema.get("minItems")
    if most is not None and most == least:
        return f", {most} of them"
    return f", at most {most}" if most is not None else ""


def _bounds(schema: dict[str, Any]) -> str:
    """Return the constraints on a number or on the length of a text."""
    least, above, most = (schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    if "maxLength" in schema:
        return f", at most {schema['maxLength']} characters"
    if least is not None and most is not None:
        return f", {_number(least)} to {_number(most)}"
    bounds_by_words = {"at least": least, "above": above, "at most": most}
    bounds = [f"{words} {_number(bound)}" for words, bound in bounds_by_words.items() if bound is not None]
    return "".join(f", {bound}" for bound in bounds)


def _number(value: float) -> str:
    return f"{value:.5f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
