"""Suggestions for unknown properties of an input: a similar name, or the same name at another level."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from pulumi_openai_ft._shared.suggestions import closest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    Step = str | int
    Models = list[type[BaseModel]]

    AddedNames = Mapping[str, Collection[str]]

NONE_ADDED: AddedNames = MappingProxyType({})
_KIND = "type"
"""Property that selects the model of a nested value, such as a grader."""


def suggested_location(
    model: type[BaseModel], location: Sequence[Step], inputs: Any, added: AddedNames = NONE_ADDED
) -> tuple[Step, ...] | None:
    """Return the location of the property that the program probably meant, or None.

    A missing property with a similar name takes precedence over the same name at an outer or inner level, which takes
    precedence over any similar name.

    Args:
        model: Model of all inputs.
        location: Location of the unknown property in the inputs.
        inputs: The inputs.
        added: Names that a service adds to the properties of a level, by the last step of the level.
    """
    *levels, name = location
    level: tuple[Step, ...] = ()
    models, value = [model], inputs
    outer = [(level, models)]
    for step in levels:
        models, value = _models_of(models, step), _item(value, step)
        models, level = _selected(models, value), (*level, step)
        outer.append((level, models))
    if missing := closest(str(name), _missing(models, value)):
        return (*level, missing)
    if found := _elsewhere(str(name), outer, inputs):
        return found
    if any(_paths_to(str(name), model)):  # a property of another method, for example
        return None
    of_service = added.get(str(level[-1]), ()) if level else ()
    similar = closest(str(name), [*(known for found in models for known in found.model_fields), *of_service])
    return (*level, similar) if similar else None


def _missing(models: Models, value: Any) -> list[str]:
    """Return the names of the required properties that a value lacks."""
    fields = {name: field for model in models for name, field in model.model_fields.items()}
    return [name for name, field in fields.items() if field.is_required() and name not in value]


def _elsewhere(
    name: str, outer: Sequence[tuple[tuple[Step, ...], Models]], inputs: Any
) -> tuple[Step, ...] | None:
    level, models = outer[-1]
    inner = [(*level, *path) for found in models for path in _paths_to(name, found)]
    enclosing = [
        (*place, name)
        for place, found in reversed(outer[:-1])
        for model in found
        if name in model.model_fields
    ]
    candidates = [*inner, *enclosing]
    chosen = set(_kinds(inputs))
    return next((path for path in candidates if chosen & set(path)), None) or next(iter(candidates), None)


def _paths_to(name: str, model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the properties with a name below the first level of a model."""
    for outer, field in model.model_fields.items():
        for nested in _nested(field.annotation):
            if name in nested.model_fields:
                yield outer, name
            yield from ((outer, *path) for path in _paths_to(name, nested))


def _models_of(models: Models, step: Step) -> Models:
    """Return the models of a step. An index, or a key of a map, leads to the same models."""
    fields = [
        model.model_fields[step] for model in models if isinstance(step, str) and step in model.model_fields
    ]
    return [nested for field in fields for nested in _nested(field.annotation)] if fields else models


def _selected(models: Models, value: Any) -> Models:
    """Return the models that a value can have, by its type."""
    kind = value.get(_KIND) if isinstance(value, dict) else None
    named = [
        model
        for model in models
        if _KIND in model.model_fields and kind in get_args(model.model_fields[_KIND].annotation)
    ]
    return named or models


def _nested(annotation: Any) -> Models:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _nested(part)]


def _item(value: Any, step: Step) -> Any:
    try:
        return value[step]
    except (IndexError, KeyError, TypeError):
        return None


def _kinds(value: Any) -> Iterable[Step]:
    """Yield the types that the program chose, at any level."""
    if isinstance(value, dict):
        if isinstance(kind := value.get(_KIND), str):
            yield kind
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _kinds(item)
