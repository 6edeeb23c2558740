"""Converts pydantic models and resource annotations to types of Pulumi's package schema."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING, Any, get_args, get_origin

import pulumi
from pydantic import BaseModel, ConfigDict, Field, create_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic.json_schema import JsonSchemaMode

LOCAL = "#/types/"
ANYTHING = {"$ref": "pulumi.json#/Any"}
ANY_MAP = {"type": "object", "additionalProperties": ANYTHING}


class Types:
    """The schema types of inputs or of outputs, generated from pydantic's JSON Schema.

    Args:
        token: Returns the type token for a model's name.
        is_input: Whether the types are inputs. Nested inputs may also be any other map, and inputs have defaults.

    Attributes:
        nested: The types of nested models by type token.
    """

    def __init__(self, token: Callable[[str], str], *, is_input: bool) -> None:
        self._token = token
        self._is_input = is_input
        self.nested: dict[str, dict[str, Any]] = {}

    def of(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the type of a model with its properties."""
        mode: JsonSchemaMode = "validation" if self._is_input else "serialization"
        found = model.model_json_schema(mode=mode, ref_template=LOCAL + self._token("{model}"))
        for name, nested in found.get("$defs", {}).items():
            self.nested[self._token(name)] = self._object(nested)
        return self._object(found)

    def _object(self, found: dict[str, Any]) -> dict[str, Any]:
        properties = found.get("properties", {})
        return {
            "type": "object",
            "description": found.get("description", ""),
            "properties": {name: self._property(value) for name, value in properties.items()},
            "required": found.get("required", []),
        }

    def _property(self, found: dict[str, Any]) -> dict[str, Any]:
        branches = list(_branches(found))
        sentences = [found.get("description", ""), _choices(branches)]
        made = {**self._union(branches), "description": " ".join(filter(None, sentences))}
        if self._is_input and found.get("default") is not None:
            made["default"] = found["default"]
        if len(branches) == 1 and "const" in branches[0]:
            made["const"] = branches[0]["const"]
        return made

    def _union(self, branches: Sequence[dict[str, Any]]) -> dict[str, Any]:
        types = [self._branch(branch) for branch in branches]
        if self._is_input and any(type_.get("$ref", "").startswith(LOCAL) for type_ in types):
            types.append(ANY_MAP)
        distinct = [type_ for index, type_ in enumerate(types) if type_ not in types[:index]]
        return distinct[0] if len(distinct) == 1 else {"oneOf": distinct}

    def _branch(self, found: dict[str, Any]) -> dict[str, Any]:
        match found:
            case {"$ref": reference}:
                return {"$ref": reference}
            case {"type": "array"}:
                return {"type": "array", "items": self._element(found.get("items"))}
            case {"type": "object"}:
                return {
                    "type": "object",
                    "additionalProperties": self._element(found.get("additionalProperties")),
                }
            case {"type": simple}:
                return {"type": simple}
        return ANYTHING

    def _element(self, found: dict[str, Any] | bool | None) -> dict[str, Any]:  # noqa: FBT001 - JSON Schema's True is "anything"
        return self._union(list(_branches(found))) if isinstance(found, dict) else ANYTHING


def _branches(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the branches of a union and its nested unions, without None, because Pulumi omits None values."""
    union = found.get("anyOf") or found.get("oneOf")
    if not union and found.get("type") != "null":
        yield found
    for branch in union or ():
        yield from _branches(branch)


def _choices(branches: Sequence[dict[str, Any]]) -> str:
    """Return a sentence that lists the string choices, or an empty string."""
    choices = [choice for branch in branches for choice in branch.get("enum", [branch.get("const")])]
    texts = [f"`{choice}`" for choice in choices if isinstance(choice, str)]
    if not texts or len(choices) == 1:
        return ""
    listed = " or ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
    return f"One of {listed}." if len(texts) == len(choices) else f"Or {listed}."


def output_model(resource: type[pulumi.Resource]) -> type[BaseModel]:
    """Return a model of a resource's outputs, from the annotations and attribute docstrings of its class."""
    texts = _attribute_docstrings(resource)
    fields: dict[str, Any] = {}
    for name, annotation in inspect.get_annotations(resource, eval_str=True).items():
        origin: Any = get_origin(annotation)
        if origin is pulumi.Output:
            (kind,) = get_args(annotation)
            default = None if type(None) in get_args(kind) else ...
            fields[name] = (kind, Field(default=default, description=texts.get(name)))
    config = ConfigDict(protected_namespaces=())
    return create_model(f"{resource.__name__}Outputs", __config__=config, **fields)


def _attribute_docstrings(described: type) -> dict[str, str]:
    """Return the docstrings of a class's annotated attributes; empty if the source code is not available."""
    try:
        source = dedent(inspect.getsource(described))
    except OSError:
        return {}
    (definition,) = ast.parse(source).body
    texts = {}
    for pair in pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
        match pair:
            case (ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text)))):
                texts[name] = inspect.cleandoc(text)
    return texts
