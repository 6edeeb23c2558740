"""Rendering of tool declarations as the text that the service probably tokenizes: a TypeScript namespace.

OpenAI does not publish how it bills tools. Users reconstructed this form from the output of models and from billed tokens
(hmarr's openai-chat-tokens and its descendants). docs/training-data.md states how far off it may be.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

START = "# Tools\n\n## functions\n\nnamespace functions {\n\n"
END = "} // namespace functions"
DEEPEST = 16
"""Depth of nested parameters from which on types are rendered as `any`."""
TYPES = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}


def rendered(functions: list[dict[str, Any]]) -> str:
    """Return the declarations of functions as TypeScript, or "" if there are none."""
    if not functions:
        return ""
    return "".join([START, *(f"{_function(function)}\n\n" for function in functions), END])


def _function(function: dict[str, Any]) -> str:
    parameters = function.get("parameters")
    properties = _properties(parameters if isinstance(parameters, dict) else {}, 0)
    lines = [*_comment(function), f"type {function['name']} = (_: {{", *properties, "}) => any;"]
    if not properties:
        lines[-2:] = [f"type {function['name']} = () => any;"]
    return "\n".join(lines)


def _properties(schema: dict[str, Any], depth: int) -> list[str]:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return []
    needed = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    return [
        line
        for name, inner in properties.items()
        for line in (*_comment(inner), f"{name}{'' if name in needed else '?'}: {_type(inner, depth)},")
    ]


def _comment(described: Any) -> Iterator[str]:
    description = described.get("description") if isinstance(described, dict) else None
    if description and isinstance(description, str):
        yield from (f"// {line}" for line in description.split("\n"))


def _type(schema: Any, depth: int) -> str:
    if not isinstance(schema, dict) or depth > DEEPEST:
        return "any"
    if isinstance(values := schema.get("enum"), list) and values:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
    for key in ("anyOf", "oneOf"):
        if isinstance(choices := schema.get(key), list) and choices:
            return " | ".join(_type(choice, depth + 1) for choice in choices)
    kinds = schema.get("type")
    names = kinds if isinstance(kinds, list) and kinds else [kinds]
    return " | ".join(_named_type(name, schema, depth) for name in names)


def _named_type(name: Any, schema: dict[str, Any], depth: int) -> str:
    if name == "array":
        return f"{_type(schema.get('items'), depth + 1)}[]"
    if name == "object":
        properties = _properties(schema, depth + 1)
        return "\n".join(["{", *properties, "}"]) if properties else "object"
    return TYPES.get(name, "any") if isinstance(name, str) else "any"
