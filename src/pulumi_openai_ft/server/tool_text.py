"""Text of tool declarations that counts as tokens: a TypeScript namespace, as users reconstructed it from bills."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD, _TAIL = "# Tools\n\n## functions\n\nnamespace functions {\n\n", "} // namespace functions"
_SCALARS = {"string": "string", "boolean": "boolean", "null": "null", "number": "number", "integer": "number"}
_MAX_DEPTH = 16


def tool_text(functions: Sequence[dict[str, Any]]) -> str:
    """Return the text of the declarations of functions, or an empty text if there are none."""
    body = "".join(_declaration(function) + "\n\n" for function in functions)
    return _HEAD + body + _TAIL if functions else ""


def _declaration(function: dict[str, Any]) -> str:
    fields = _fields(function.get("parameters"), 0)
    signature = f"(_: {{\n{fields}}}) => any" if fields else "() => any"
    return f"{_comments(function)}type {function['name']} = {signature};"


def _fields(schema: Any, depth: int) -> str:
    members = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(members, dict):
        return ""
    listed = schema.get("required")
    required = listed if isinstance(listed, list) else []
    return "".join(
        f"{_comments(member)}{name}{':' if name in required else '?:'} {_type(member, depth)},\n"
        for name, member in members.items()
    )


def _comments(described: Any) -> str:
    text = described.get("description") if isinstance(described, dict) else None
    if not isinstance(text, str) or not text:
        return ""
    return "// " + text.replace("\n", "\n// ") + "\n"


def _type(schema: Any, depth: int) -> str:
    if depth > _MAX_DEPTH or not isinstance(schema, dict):
        return "any"
    for key in ("enum", "anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            return " | ".join(
                json.dumps(option, ensure_ascii=False) if key == "enum" else _type(option, depth + 1)
                for option in options
            )
    kinds = schema.get("type")
    return " | ".join(
        _simple_type(kind, schema, depth)
        for kind in (kinds if isinstance(kinds, list) and kinds else [kinds])
    )


def _simple_type(kind: Any, schema: dict[str, Any], depth: int) -> str:
    if kind == "array":
        return f"{_type(schema.get('items'), depth + 1)}[]"
    if kind == "object":
        fields = _fields(schema, depth + 1)
        return f"{{\n{fields}}}" if fields else "object"
    return _SCALARS.get(kind, "any") if isinstance(kind, str) else "any"
