"""Parts of the reference that are generated from the source: tables of inputs, outputs, arguments and results.

A page includes them with comments on separate lines: `<!-- inputs: File -->`, `<!-- outputs: File -->`,
`<!-- import: File -->`, `<!-- call: get_file -->`, `<!-- function: get_file -->` and `<!-- types: ArgsDict -->`. The
texts come from the models, the docstrings and the providers, so that no list is maintained twice.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, is_typeddict

from pydantic import BaseModel
from tools.annotations import INPUT
from tools.docs import docstrings
from tools.docs.types import in_words

import pulumi_openai_ft
from pulumi_openai_ft import types as public_types
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._provider.resource_import import ID_FORMATS
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.host._schema import RESOURCES
from pulumi_openai_ft.host._schema_types import output_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MARKER = re.compile(r"^<!-- (inputs|outputs|import|call|function|types): (\w+) -->$", re.MULTILINE)
LOOKUPS_BY_FUNCTION = {lookup.function: lookup for lookup in LOOKUPS.values()}
LONGEST_LINE = 80
SOME, OTHER = ["a value"], ["another value"]
"""Two values that a provider can compare for any input, because `diff` does not validate them."""


def expanded(page: str) -> str:
    """Return a page with the parts that it includes."""
    return MARKER.sub(lambda marker: PARTS[marker[1]](marker[2]), page)


def inputs(name: str) -> str:
    """Return the inputs of a resource."""
    resource = getattr(pulumi_openai_ft, name)
    model = RESOURCES.get(resource)
    if model is None:
        return _parameters(resource)
    rows = [
        [name, type_ + _or_object(resource, name), default, _meaning(model, name), effect(resource, name)]
        for name, type_, default in _given(model)
    ]
    top = _table(("input", "type", "default", "meaning", "effect of a change"), rows)
    return "\n\n".join([top, *(_nested(one, given=True) for one in nested_models(model))])


def outputs(name: str) -> str:
    """Return the outputs of a resource."""
    resource = getattr(pulumi_openai_ft, name)
    own_id = [["id", "`str`", "Id of the object in the API."]] if resource in RESOURCES else []
    return _table(("output", "type", "meaning"), [*own_id, *_got(output_model(resource))])


def import_(name: str) -> str:
    """Return the command that imports a resource."""
    return f"```\npulumi import {TYPE_PREFIX}{name} NAME ID\n```\n\n`ID` is {_as_code(ID_FORMATS[name][1])}."


def call(name: str) -> str:
    """Return the signature and the description of a function."""
    called = getattr(pulumi_openai_ft, name)
    return f"{_signature(called)}\n\n{docstrings.text(called)}"


def function(name: str) -> str:
    """Return the arguments, the result and the errors of a function, and its output form."""
    called, output_form = getattr(pulumi_openai_ft, name), getattr(pulumi_openai_ft, f"{name}_output")
    lookup, descriptions = LOOKUPS_BY_FUNCTION[name], docstrings.entries(called, "Args")
    rows = [[*row, descriptions[row[0]]] for row in _given(lookup.arguments)]
    errors = [[f"`{error}`", when] for error, when in docstrings.entries(called, "Raises").items()]
    parts = [
        "## Arguments",
        _table(("argument", "type", "default", "meaning"), rows),
        "`opts` takes a `pulumi.InvokeOptions`. An argument that is `None` is ignored.",
        "## Result",
        f"`{lookup.result.__name__}`: {docstrings.text(lookup.result)}",
        _table(("field", "type", "meaning"), _got(lookup.result)),
        *(_nested(one, given=False) for one in nested_models(lookup.result)),
        "## Errors",
        _table(("error", "when"), errors),
        "## Output form",
        f"`{output_form.__name__}`: {docstrings.text(output_form)} Returns a `pulumi.Output` of the result.",
    ]
    return "\n\n".join(parts)


def types(kind: str) -> str:
    """Return the types of nested inputs (`ArgsDict`), of outputs (`Dict`) or of values (`Literal`)."""
    declared = {name: one for name, one in vars(public_types).items() if not name.startswith("_")}
    if kind == "Literal":
        sets = {name: get_args(one) for name, one in declared.items() if get_origin(one) is Literal}
        rows = ([name, ", ".join(f"`{value}`" for value in values)] for name, values in sets.items())
        return _table(("type", "values"), rows)
    inputs = INPUT.suffix
    chosen = {
        name: one
        for name, one in declared.items()
        if is_typeddict(one) and name.endswith(inputs) == (kind == inputs)
    }
    return _table(
        ("type", "meaning"), ([name, " ".join(docstrings.text(one).split())] for name, one in chosen.items())
    )


PARTS: dict[str, Callable[[str], str]] = {
    "inputs": inputs,
    "outputs": outputs,
    "import": import_,
    "call": call,
    "function": function,
    "types": types,
}
"""Parts that a page can include."""


def effect(resource: type, name: str) -> str:
    """Return the effect of a change of an input, according to the provider's `diff`."""
    provider = getattr(sys.modules[resource.__module__], f"{resource.__name__}Provider")()
    compared = provider.diff("id", {"status": "succeeded", name: SOME}, {name: OTHER})
    if name in compared.replaces:
        return "replaces"
    return "in place" if name in compared.updating_paths else "nothing"


def nested_models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the models that a model contains, in the order in which a reader encounters them."""
    met: dict[type[BaseModel], None] = {}
    _meet(model, met)
    return list(met)


def _meet(model: type[BaseModel], met: dict[type[BaseModel], None]) -> None:
    for one in _fields_models(model):
        if one not in met:
            met[one] = None
            _meet(one, met)


def _fields_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in model.model_fields.values():
        yield from _models_in(field.annotation)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if get_origin(annotation) is None and inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _nested(model: type[BaseModel], *, given: bool) -> str:
    rows = [[*row, _meaning(model, row[0])] for row in _given(model)] if given else _got(model)
    columns = ("key", "type", "default", "meaning") if given else ("field", "type", "meaning")
    link = [f"Type: [`types.{model.__name__}{INPUT.suffix}`](../types.md)."] if given else []
    return "\n\n".join([f"### {model.__name__}", docstrings.text(model), *link, _table(columns, rows)])


def _given(model: type[BaseModel]) -> Iterator[list[str]]:
    """Yield the name, type and default of each field of an input model."""
    schema = model.model_json_schema()
    for name, found in schema["properties"].items():
        is_required = name in schema.get("required", ())
        yield [name, in_words(found), "required" if is_required else _default(found.get("default"))]


def _default(value: Any) -> str:
    return "" if value is None else f"`{json.dumps(value) if isinstance(value, str) else value}`"


def _got(model: type[BaseModel]) -> list[list[str]]:
    """Return the name, type and meaning of each field and each property of an output model."""
    properties = model.model_json_schema(mode="serialization")["properties"]
    rows = [
        [name, in_words(found) + _or_none(found), _meaning(model, name)] for name, found in properties.items()
    ]
    derived = [(name, one) for name, one in vars(model).items() if isinstance(one, property)]
    returned = {name: inspect.get_annotations(one.fget)["return"] for name, one in derived if one.fget}
    return [*rows, *([name, f"`{returned[name]}`", docstrings.text(one)] for name, one in derived)]


def _or_none(schema: dict[str, Any]) -> str:
    return " or `None`" if {"type": "null"} in schema.get("anyOf", ()) else ""


def _or_object(resource: type, name: str) -> str:
    """Return the resources or assets that a program can pass instead of an ID or a path."""
    annotation = str(inspect.signature(resource).parameters[name].annotation)
    return "".join(f" or `{kind}`" for kind in re.findall(r"\b(?:pulumi\.)?File(?:Asset)?\b", annotation))


def _meaning(model: type[BaseModel], name: str) -> str:
    return model.model_fields[name].description or ""


def _parameters(component: type) -> str:
    """Return the inputs of a component, which has no model: its resources validate the inputs."""
    descriptions, parameters = (
        docstrings.entries(vars(component)["__init__"], "Args"),
        inspect.signature(component).parameters,
    )
    own = [one for name, one in parameters.items() if name not in ("resource_name", "opts")]
    rows = [
        row
        for one in own
        for row in (
            _forwarded_inputs(component, one)
            if one.kind is one.VAR_KEYWORD
            else [[one.name, _python_type(one), _python_default(one), descriptions[one.name]]]
        )
    ]
    return _table(("input", "type", "default", "meaning"), rows)


def _forwarded_inputs(component: type, parameter: inspect.Parameter) -> list[list[str]]:
    """Return the inputs that a component passes to its job unchanged. The component declares only their names."""
    named = str(parameter.annotation).removeprefix("Unpack[").removesuffix("]")
    names = getattr(sys.modules[component.__module__], named).__annotations__
    model = RESOURCES[pulumi_openai_ft.FineTuningJob]
    return [
        [name, type_.replace("](#", "](fine_tuning_job.md#"), default, _meaning(model, name)]
        for name, type_, default in _given(model)
        if name in names
    ]


def _python_type(parameter: inspect.Parameter) -> str:
    bare, outer = str(parameter.annotation), ""
    while bare != outer:
        bare, outer = re.sub(r"pulumi\.Input\[((?:[^][]|\[[^][]*\])*)\]", r"\1", bare), bare
    return " or ".join(f"`{part.strip()}`" for part in bare.split("|") if part.strip() != "None")


def _python_default(parameter: inspect.Parameter) -> str:
    return "required" if parameter.default is parameter.empty else _default(parameter.default)


def _signature(function: Callable[..., Any]) -> str:
    """Return the signature of a function without types, which are in the table of its arguments."""
    signature = inspect.signature(function)
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()]
    taken = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    called = f"{function.__name__}{taken} -> {signature.return_annotation}"
    if len(called) > LONGEST_LINE:
        called = called.replace("(", "(\n    ", 1).replace(") -> ", ",\n) -> ")
    return f"```python\n{called}\n```"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(columns)
    cells = [head, ["---"] * len(head), *(_row(row) for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _row(row: Iterable[str]) -> list[str]:
    name, *others = row
    return [name if name.startswith("`") else f"`{name}`", *(cell.replace("|", r"\|") for cell in others)]


def _as_code(words: str) -> str:
    """Return a sentence with IDs such as `ftjob-…` formatted as code."""
    return re.sub(r"(<[^ ,]+|\b[a-z]+[-_:]…)", r"`\1`", words)
