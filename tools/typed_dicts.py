"""Generate the TypedDicts and Literals of `types.py` from the pydantic models.

cog runs this from a comment in the module. `make generate` writes the code; `make check` fails if it is outdated.
"""

from __future__ import annotations

import inspect
import json
import re
from datetime import date
from keyword import iskeyword
from typing import TYPE_CHECKING

from tools.annotations import CHOICES, INPUT, OUTPUT, UNIONS, literal, nested_models, type_of
from tools.descriptions import described, docstring
from tools.formatting import formatted

from pulumi_openai_ft._client.objects import JobError
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.input_models import InputModel
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs, SupervisedHyperparameters
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft.catalog import DATA, Catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from tools.annotations import Form

INPUTS, OUTPUTS = (FileInputs, FineTuningJobInputs), (FineTuningJobInputs,)
"""Models whose nested models are TypedDicts of inputs, and of outputs."""


def source() -> str:
    """Return the declarations."""
    inputs, outputs = _declarations(INPUT, INPUTS), _declarations(OUTPUT, OUTPUTS)
    code = formatted("\n\n".join([*_literals(), *inputs, *outputs, _typed_dict(JobError, OUTPUT)]))
    return f"{code}\n\n"  # the formatter requires two empty lines before the comment that follows


def _literals() -> Iterator[str]:
    for values, name in CHOICES.items():
        yield f"{name}: TypeAlias = {literal(values)}"
    text = "Base models that a service of the catalog offers. Programs may also use other names."
    yield f"ModelName: TypeAlias = {literal(_model_names())}\n{docstring(text)}"


def _model_names() -> list[str]:
    """Return the models that are available on the day of the catalog's newest fact, which `make check` can repeat."""
    data = DATA.read_text("utf-8")
    day = max(map(date.fromisoformat, re.findall(r'"as_of": "([-0-9]+)"', data)))
    entries = [
        entry for service in json.loads(data)["services"] for entry in Catalog.load(service=service).models()
    ]
    offered = {entry.id for entry in entries if entry.methods and not entry.is_shut_down(day)}
    return list(
        dict.fromkeys(name for entry in entries if entry.id in offered for name in (entry.id, *entry.aliases))
    )


def _declarations(form: Form, roots: tuple[type[BaseModel], ...]) -> Iterator[str]:
    """Yield the declarations of a form. Each follows the ones that it uses."""
    declared: list[type[BaseModel]] = []
    unions = dict(UNIONS)
    for model in dict.fromkeys(nested for root in roots for nested in nested_models(root)):
        for members in [one for one in unions if set(one) <= set(declared)]:
            yield _union(members, unions.pop(members), form)
        declared.append(model)
        yield _typed_dict(model, form)


def _union(members: tuple[type[BaseModel], ...], name: str, form: Form) -> str:
    return f"{name}{form.suffix}: TypeAlias = {' | '.join(one.__name__ + form.suffix for one in members)}"


def _typed_dict(model: type[BaseModel], form: Form) -> str:
    name, base, functional = model.__name__ + form.suffix, "TypedDict", ""
    keywords = [key for key in model.model_fields if iskeyword(key)]
    if keywords:
        base = f"_{name}"
        keys = ", ".join(f'"{key}": {_key_type(model, key, form)}' for key in keywords)
        functional = f'{base} = TypedDict("{base}", {{{keys}}})\n\n'
    rows = [
        f"{key}: {_key_type(model, key, form)}\n{docstring(described(model, key))}"
        for key in model.model_fields
        if key not in keywords
    ]
    if issubclass(model, SupervisedHyperparameters):
        rows += _service_hyperparameters(form)
    return functional + _class(name, base, inspect.cleandoc(str(model.__doc__)), rows)


def _key_type(model: type[BaseModel], key: str, form: Form) -> str:
    """Return the type of a key. Objects of the API have all keys; a key that the API omits is None."""
    field = model.model_fields[key]
    kind = type_of(field, form)
    if field.is_required():
        return kind
    return f"NotRequired[{kind}]" if issubclass(model, InputModel) else f"{kind} | None"


def _service_hyperparameters(form: Form) -> Iterator[str]:
    """Yield the hyperparameters that only some services accept, by the services' profiles."""
    services: dict[str, list[str]] = {}
    for profile in PROFILES.values():
        for name in sorted(profile.hyperparameters - {"*"}):
            services.setdefault(name, []).append(f"`{profile.name}`")
    kind = form.wrapped("bool | float | str", is_optional=True)
    for name, names in services.items():
        text = f"Hyperparameter of the service {' and '.join(names)}. OpenAI does not have it."
        yield f"{name}: NotRequired[{kind}]\n{docstring(text)}"


def _class(name: str, base: str, text: str, rows: list[str]) -> str:
    body = "\n".join([docstring(text), "", *rows])
    return f"class {name}({base}):\n" + "\n".join(f"    {line}" if line else "" for line in body.splitlines())
