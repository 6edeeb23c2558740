"""Base of the input models, and validation of the inputs of all resources.

Pulumi passes integers as floats, and unknown values as `pulumi.output.Unknown`. This module handles both, so that the
providers do not have to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi import Archive, Asset
from pulumi.output import Unknown
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_openai_ft._provider.redaction import SECRET
from pulumi_openai_ft._shared.api_limits import RANGES
from pulumi_openai_ft._shared.property_paths import format_path, top_level
from pulumi_openai_ft._shared.state_names import (
    DERIVED_OUTPUTS,
    SECRET_INPUTS,
    UNSUPPORTED_VALUE,
    VALUES_ONLY,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HIDDEN = "__"
MISSING, NOT_SUPPORTED = "is missing", "is not a known property"
_PHRASES = {
    "missing": MISSING,
    "extra_forbidden": NOT_SUPPORTED,
    "bool_type": "True or False",
    "dict_type": "an object",
    "float_type": "a number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "int_type": "a whole number",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "an object",
    "string_pattern_mismatch": "a string that matches {pattern}",
    "string_too_long": "a string of at most {max_length} characters",
    "string_too_short": "a string of at least {min_length} characters",
    "string_type": "a string",
    "too_long": "at most {max_length} entries long",
    "too_short": "at least {min_length} entries long",
}
"""Requirement on the value for each type of pydantic error."""


@dataclass(frozen=True)
class ProgramType:
    """A marker of an input for which programs pass another type than the provider receives.

    Attributes:
        source: The type, as source code. `make generate` writes it into the constructors.
    """

    source: str


class InputModel(BaseModel):
    """Base of the models of a resource's inputs and their nested values."""

    model_config = ConfigDict(extra="forbid", defer_build=True, protected_namespaces=(), strict=True)

    def provided(self) -> dict[str, Any]:
        """Return the values given by the program, as JSON. None counts as omitted; 0, False and "" do not."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


def integers_from_floats(value: Any) -> Any:
    """Return a value with all floats that are whole numbers converted to integers, recursively."""
    if isinstance(value, dict):
        return {key: integers_from_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [integers_from_floats(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def within(name: str) -> Any:
    """Return the constraint that a number is in one of the API's ranges."""
    limits = RANGES[name]
    return Field(ge=limits.minimum, gt=limits.above, le=limits.maximum)


def unknown() -> Any:
    """Return Pulumi's placeholder for an unknown value."""
    return Unknown()


def is_known(value: Any) -> bool:
    """Return whether a value contains no unknown parts."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    return all(map(is_known, value)) if isinstance(value, list) else not isinstance(value, Unknown)


def public_properties(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that are set, without the hidden properties and markers of Pulumi and of this package."""
    return {
        key: integers_from_floats(value)
        for key, value in props.items()
        if value is not None and not key.startswith(HIDDEN) and key not in DERIVED_OUTPUTS
    }


def redacted_repr(props: Mapping[str, Any], name: str, value: Any) -> str:
    """Return the representation of an input's value for a message, or `[secret]` if the input is secret.

    Args:
        props: All properties, including the hidden list of secret inputs.
        name: Name of the input.
        value: The value, or a part of it.
    """
    return SECRET if {name, name + VALUES_ONLY} & _secret_names(props) else repr(value)


def _secret_names(props: Mapping[str, Any]) -> set[str]:
    return {*(props.get(SECRET_INPUTS) or ())}


def unsupported_values(props: Mapping[str, Any]) -> list[str]:
    """Return messages about the values that the program could not pass, and about assets that a transform added."""
    return [
        f"{format_path(path).lstrip('.')}: {reason}"
        for name, value in props.items()
        if not name.startswith(HIDDEN)
        for path, reason in _unsupported((name,), value)
    ]


def _unsupported(path: tuple[str | int, ...], value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, Asset | Archive):
        yield path, f"is a {type(value).__name__} that a transform or policy set: set a string instead"
    elif isinstance(value, dict) and UNSUPPORTED_VALUE in value:
        yield path, str(value[UNSUPPORTED_VALUE])
    elif isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unsupported((*path, step), item)


def validation_errors(model: type[InputModel], props: Mapping[str, Any]) -> list[str]:
    """Return messages about the problems of the inputs with property path, value and requirement.

    Unknown values are considered valid.
    """
    inputs = public_properties(props)
    try:
        model.model_validate(inputs)
    except ValidationError as error:
        return _messages(error, inputs, props)
    return []


def _messages(error: ValidationError, inputs: Mapping[str, Any], props: Mapping[str, Any]) -> list[str]:
    found: dict[str, tuple[Any, list[str]]] = {}
    for problem in error.errors(include_url=False):
        if isinstance(problem["input"], Unknown):
            continue
        path = _path(problem["loc"], inputs)
        if problem["type"] == "extra_forbidden" and top_level(path) in _secret_names(props):
            path = f"{path.removesuffix(str(problem['loc'][-1]))}{SECRET}"  # a word of the program, not of the API
        value = None if problem["type"] == "missing" else problem["input"]
        found.setdefault(path, (value, []))[1].append(_reason(problem))
    return [
        _message(path, redacted_repr(props, top_level(path), value), reasons)
        for path, (value, reasons) in found.items()
    ]


def _path(location: Iterable[int | str], inputs: Any) -> str:
    """Return the property path of a problem, without the branch names that pydantic adds for unions."""
    *inner, last = list(location) or [""]
    path = ""
    for step in inner:
        if isinstance(inputs, dict) and step in inputs:
            path, inputs = f"{path}.{step}", inputs[step]
        elif isinstance(inputs, list) and isinstance(step, int) and step < len(inputs):
            path, inputs = f"{path}[{step}]", inputs[step]
    if isinstance(inputs, dict):
        path = f"{path}.{last}"
    elif isinstance(inputs, list) and isinstance(last, int):
        path = f"{path}[{last}]"
    return path.lstrip(".")


def _reason(problem: Any) -> str:
    phrase = _PHRASES.get(problem["type"])
    return (
        phrase.format(**integers_from_floats(problem.get("ctx", {})))
        if phrase
        else problem["msg"].removeprefix("Value error, ")
    )


def _message(path: str, redacted: str, reasons: list[str]) -> str:
    reasons = list(dict.fromkeys(reasons))
    if reasons in ([MISSING], [NOT_SUPPORTED]):
        return f"{path}: {reasons[0]}"
    redacted = redacted if len(redacted) <= 80 else f"{redacted[:77]}…"  # noqa: PLR2004 - keeps a message on one line
    return f"{path}: {redacted} is invalid: must be {' or '.join(reasons)}"
