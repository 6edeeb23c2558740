"""Sentences about mistakes in the configuration file, each of which begins with the key's path."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_REQUIREMENTS = {
    "bool_type": "true or false",
    "byte_size": "a size such as 512 MiB",
    "byte_size_unit": "a size such as 512 MiB",
    "date_type": "a date such as 2026-12-01",
    "dict_type": "a table",
    "float_type": "a number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "int_type": "a whole number",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "model_type": "a table",
    "path_type": "a path",
    "string_pattern_mismatch": "a string that matches {pattern}",
    "string_too_long": "a string of at most {max_length} characters",
    "string_too_short": "a string of at least {min_length} characters",
    "string_type": "a string",
    "tuple_type": "a list",
}
"""Requirement on the value for each type of pydantic error."""
_LONGEST_VALUE = 60
_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]+")


def schema_mistakes(error: ValidationError, data: Any, model: type[BaseModel]) -> list[str]:
    """Return a sentence for each mistake that pydantic found.

    Args:
        error: The error of pydantic.
        data: The value that was validated.
        model: The model of the value, whose keys are suggested for unknown ones.
    """
    found: dict[str, list[ErrorDetails]] = {}
    for problem in error.errors(include_url=False):
        found.setdefault(_path(problem["loc"], data), []).append(problem)
    return [_sentence(path, problems, model) for path, problems in found.items()]


def duplicate_names(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each id or alias of a base model that another base model has as well."""
    first: dict[str, str] = {}
    for path, name in _names(data):
        if name in first:
            yield f"{path}: {name!r} is also {first[name]}: each id and alias must be unique"
        first.setdefault(name, path)


def _names(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    bases = data.get("base")
    for index, base in enumerate(bases if isinstance(bases, list) else []):
        if not isinstance(base, dict):
            continue
        aliases = base.get("aliases")
        listed = enumerate(aliases) if isinstance(aliases, list) else ()
        candidates = [
            (f"base[{index}].id", base.get("id")),
            *((f"base[{index}].aliases[{place}]", alias) for place, alias in listed),
        ]
        yield from ((path, name) for path, name in candidates if isinstance(name, str))


def _path(location: Iterable[int | str], data: Any) -> str:
    """Return the path of a mistake in the file, without the branch names that pydantic adds for unions."""
    path = ""
    for step in location:
        if isinstance(data, dict):
            path, data = f"{path}.{step}", data.get(step)
        elif isinstance(data, list | tuple) and isinstance(step, int):
            path, data = f"{path}[{step}]", data[step]
    return path.lstrip(".")


def _sentence(path: str, problems: list[ErrorDetails], model: type[BaseModel]) -> str:
    problem = problems[0]
    if problem["type"] == "missing":
        return f"{path} is missing"
    if problem["type"] == "extra_forbidden":
        return f"{path} is not a known key{_similar(problem['loc'], model)}"
    requirements = list(dict.fromkeys(map(_requirement, problems)))
    if problem["type"] == "value_error":
        return ": ".join(filter(None, (path, " and ".join(requirements))))
    return f"{path} is {_shortened(problem['input'])}: must be {' or '.join(requirements)}"


def _requirement(problem: ErrorDetails) -> str:
    phrase = _REQUIREMENTS.get(problem["type"])
    return phrase.format(**problem.get("ctx", {})) if phrase else problem["msg"].removeprefix("Value error, ")


def _shortened(value: Any) -> str:
    text = _KEY.sub("sk-…", json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _similar(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Return a suggestion for an unknown key, or the list of known keys if none is similar."""
    *tables, key = (step for step in location if isinstance(step, str))
    for table in tables:
        model = _table(model, table)
    known = [field.alias or name for name, field in model.model_fields.items()]
    close = get_close_matches(str(key), known, n=1)
    return f": did you mean {close[0]}?" if close else f": known keys are {', '.join(known)}"


def _table(model: type[BaseModel], key: str) -> type[BaseModel]:
    """Return the model of a table of a model."""
    annotation = next(
        field.annotation for name, field in model.model_fields.items() if key == (field.alias or name)
    )
    candidates = (annotation, *get_args(annotation))
    return next(found for found in candidates if isinstance(found, type) and issubclass(found, BaseModel))
