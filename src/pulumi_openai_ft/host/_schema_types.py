"""pydantic's models and the resources' annotations, as types of Pulumi's package schema."""

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
    """Types of what users give, or of what they get. They are made by way of the JSON Schema that pydantic writes.

    Args:
        token: Gives a model's type token from its name.
        given: Whether users give it. Then a nested value may be any other map too, and defaults are told.

    Attributes:
        nested: The types of the models that other models refer to, by their tokens.
    """

    def __init__(self, token: Callable[[str], str], *, given: bool) -> None:
        self._token = token
        self._given = given
        self.nested: dict[str, dict[str, Any]] = {}

    def of(self, model: type[BaseModel]) -> dict[str, Any]:
        """The type of a model, with its properties."""
        mode: JsonSchemaMode = "validation" if self._given else "serialization"
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
        if self._given and found.get("default") is not None:
            made["default"] = found["default"]
        if len(branches) == 1 and "const" in branches[0]:
            made["const"] = branches[0]["const"]
        return made

    def _union(self, branches: Sequence[dict[str, Any]]) -> dict[str, Any]:
        types = [self._branch(branch) for branch in branches]
        if self._given and any(one.get("$ref", "").startswith(LOCAL) for one in types):
            types.append(ANY_MAP)
        distinct = [one for place, one in enumerate(types) if one not in types[:place]]
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
    """The branches of a union and of the unions in it. None is no branch: Pulumi leaves out what is None."""
    union = found.get("anyOf") or found.get("oneOf")
    if not union and found.get("type") != "null":
        yield found
    for branch in union or ():
        yield from _branches(branch)


def _choices(branches: Sequence[dict[str, Any]]) -> str:
    """A sentence that names the texts to choose from, where there is a choice."""
    choices = [choice for branch in branches for choice in branch.get("enum", [branch.get("const")])]
    texts = [f"`{choice}`" for choice in choices if isinstance(choice, str)]
    if not texts or len(choices) == 1:
        return ""
    listed = " or ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
    return f"One of {listed}." if len(texts) == len(choices) else f"Or {listed}."


def output_model(resource: type[pulumi.Resource]) -> type[BaseModel]:
    """What a resource has in the end, as a model: the class's annotations and the texts beneath them."""
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
    """The texts beneath a class's annotations. Only the source has them, and it need not be there."""
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
