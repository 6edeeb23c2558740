"""Write the annotations of pydantic models as annotations for programs, in which nested models are TypedDicts."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from pulumi_openai_ft._program.functions.models import BestCheckpointArguments, EventsArguments
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.input_models import ProgramType
from pulumi_openai_ft._provider.job import graders
from pulumi_openai_ft._provider.job.inputs import Method

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Form:
    """A form in which programs see values.

    Attributes:
        suffix: End of the names of the TypedDicts.
        mapping: Name of the type of dictionaries.
        sequence: Name of the type of lists.
    """

    suffix: str
    mapping: str
    sequence: str

    def wrapped(self, annotation: str, *, is_optional: bool = False) -> str:
        """Return the type of a value. A program may also pass outputs, and None for an optional value."""
        if self is OUTPUT or annotation == "Any":
            return annotation
        return f"pulumi.Input[{annotation}{' | None' if is_optional else ''}]"


INPUT = Form("ArgsDict", "Mapping", "Sequence")
"""Values that a program passes to a resource."""
OUTPUT = Form("Dict", "dict", "list")
"""Values that a program receives."""


def type_of(field: FieldInfo, form: Form) -> str:
    """Return the type of a field. It contains None only for an optional input."""
    if form is OUTPUT:
        return written(field.annotation, form)
    given = (one.source for one in markers(field) if isinstance(one, ProgramType))
    kind = next(given, None) or written(field.annotation, form)
    return form.wrapped(kind, is_optional=not field.is_required())


def written(annotation: Any, form: Form) -> str:
    """Return an annotation as source code, without None."""
    branches = list(_branches(annotation))
    models = tuple(filter(is_model, branches))
    others = [_branch(one, form) for one in branches if not is_model(one)]
    names = [UNIONS[models]] if len(models) > 1 else [model.__name__ for model in models]
    return " | ".join([*dict.fromkeys(others), *(name + form.suffix for name in names)])


def literal(values: Iterable[Any]) -> str:
    """Return the source code of a closed set of values."""
    return f"Literal[{', '.join(json.dumps(one) if isinstance(one, str) else repr(one) for one in values)}]"


def is_model(annotation: Any) -> bool:
    """Return whether an annotation is a pydantic model."""
    return (
        inspect.isclass(annotation) and get_origin(annotation) is None and issubclass(annotation, BaseModel)
    )


def markers(field: FieldInfo) -> Iterator[Any]:
    """Yield pydantic's constraints and our markers of a field and of the parts of its annotation."""
    yield from field.metadata
    yield from _metadata(field.annotation)


def _metadata(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for part in get_args(annotation):
        yield from _metadata(part)


def nested_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models nested in a model. Each follows the models nested in it."""
    for field in model.model_fields.values():
        for nested in models_in(field.annotation):
            yield from nested_models(nested)
            yield nested


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation contains."""
    if is_model(annotation):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def _branches(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union and its nested unions, without None and without pydantic's constraints."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _branches(args[0])
    elif origin in (Union, UnionType):
        for one in args:
            yield from _branches(one)
    elif annotation is not NoneType:
        yield annotation


def _branch(annotation: Any, form: Form) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return CHOICES.get(args) or literal(args)
    if origin is list:
        return f"{form.sequence}[{form.wrapped(written(args[0], form))}]"
    if origin is dict:
        return f"{form.mapping}[str, {form.wrapped(written(args[1], form))}]"
    return "Any" if annotation is Any else str(annotation.__name__)


def _choices(model: type[BaseModel], name: str) -> tuple[Any, ...]:
    (choices,) = _branches(model.model_fields[name].annotation)
    return get_args(choices)


CHOICES = {
    _choices(BestCheckpointArguments, "by"): "CheckpointMetric",
    _choices(EventsArguments, "level"): "EventLevel",
    _choices(EventsArguments, "order"): "EventOrder",
    _choices(FileInputs, "purpose"): "FilePurpose",
    _choices(FileInputs, "validate"): "ValidationMode",
    _choices(Method, "type"): "MethodType",
}
"""Names of closed sets of values."""
UNIONS = {
    tuple(_branches(graders.PartialGrader)): "PartialGrader",
    tuple(_branches(graders.Grader)): "Grader",
}
"""Names of unions of models. The graders of a `multi` grader come first."""
