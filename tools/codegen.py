"""Generate the declarations of inputs in the public modules from the pydantic models.

cog runs this from comments in the modules. `make generate` writes the code; `make check` fails if it is outdated.
"""

from __future__ import annotations

import textwrap
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from pulumi_openai_ft._provider.job.inputs import AcceptsFile, FineTuningJobInputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

WIDTH = 110 - len("        ")


class Inputs:
    """Source code that declares the inputs of a resource.

    Args:
        model: Model of the inputs.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.fields = model.model_fields

    def parameters(self) -> str:
        """Return the keyword parameters of the constructor, each on a separate line."""
        return "\n".join(
            f"{name}: {_parameter_type(field)}{'' if field.is_required() else ' = None'},"
            for name, field in self.fields.items()
        )

    def docstring(self, summary: str) -> str:
        """Return the docstring of the constructor, which describes each input."""
        descriptions = {
            "resource_name": "Name of the resource in the stack.",
            **{name: _description(field) for name, field in self.fields.items()},
            "opts": "Pulumi's resource options.",
        }
        entries = (_wrapped(f"{name}: {text}") for name, text in descriptions.items())
        return "\n".join([f'"""{summary}', "", "Args:", *entries, '"""'])

    def arguments(self) -> str:
        """Return the entries of a dictionary that maps names of inputs to arguments of the constructor."""
        return "\n".join(
            f'"{name}": {f"file_id({name})" if _accepts_file(field) else name},'
            for name, field in self.fields.items()
        )

    def optional_keys(self) -> str:
        """Return the keys of a TypedDict with the optional inputs, except files."""
        return "\n".join(
            f"{name}: {_parameter_type(field)}"
            for name, field in self.fields.items()
            if not field.is_required() and not _accepts_file(field)
        )


def _parameter_type(field: FieldInfo) -> str:
    types = [f"pulumi.Input[{_type(field.annotation)}]"]
    if _accepts_file(field):
        types.append("File")
    if not field.is_required():
        types.append("None")
    return " | ".join(types)


def _type(annotation: Any) -> str:
    """Return the type of the values that a program can pass for a field. Nested models are dictionaries."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(args[0])
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(_type(one) for one in args if one is not NoneType))
    if origin is Literal:
        return " | ".join(dict.fromkeys(type(value).__name__ for value in args))
    if origin is list:
        return f"Sequence[{_type(args[0])}]"
    if origin is dict:
        return f"Mapping[{', '.join(map(_type, args))}]"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "Mapping[str, Any]"
    return "Any" if annotation is Any else str(annotation.__name__)


def _accepts_file(field: FieldInfo) -> bool:
    return any(isinstance(one, AcceptsFile) for one in (*field.metadata, *_metadata(field.annotation)))


def _metadata(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from annotation.__metadata__
    for one in get_args(annotation):
        yield from _metadata(one)


def _description(field: FieldInfo) -> str:
    text = str(field.description)
    return (
        f"{text.removesuffix('.')}; {field.default} by default." if isinstance(field.default, bool) else text
    )


def _wrapped(entry: str) -> str:
    return textwrap.fill(
        entry,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="        ",
        break_long_words=False,
        break_on_hyphens=False,
    )


job = Inputs(FineTuningJobInputs)
