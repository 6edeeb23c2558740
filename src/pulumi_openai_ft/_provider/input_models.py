"""Base of the input models, and validation of the inputs of all resources.

Pulumi passes integers as floats, and unknown values as `pulumi.output.Unknown`. This module handles both, so that the
providers do not have to.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi import Archive, Asset
from pulumi.output import Unknown
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_openai_ft._provider.property_suggestions import NONE_ADDED, suggested_location
from pulumi_openai_ft._provider.redaction import SECRET
from pulumi_openai_ft._shared.api_limits import RANGES
from pulumi_openai_ft._shared.property_paths import format_path
from pulumi_openai_ft._shared.state_names import (
    DERIVED_OUTPUTS,
    SECRET_INPUTS,
    UNSUPPORTED_VALUE,
    VALUES_ONLY,
)
from pulumi_openai_ft._shared.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pulumi_openai_ft._provider.property_suggestions import AddedNames

    Location = tuple[int | str, ...]

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
_QUOTED = re.compile(r"'([^']*)'")
"""A choice in pydantic's list of choices."""


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
    """Return messages about the values that the program could not pass, or that a transform added in spite of that."""
    return [
        f"{format_path(path).lstrip('.')}: {reason}"
        for name, value in props.items()
        if not name.startswith(HIDDEN)
        for path, reason in _unsupported((name,), value)
    ]


def _unsupported(path: tuple[str | int, ...], value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, Asset | Archive):
        yield path, f"is a {type(value).__name__} that a transform or policy set: set a string instead"
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, "is not a finite number: a transform or policy set it: set a finite number instead"
    elif isinstance(value, dict) and UNSUPPORTED_VALUE in value:
        yield path, str(value[UNSUPPORTED_VALUE])
    elif isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unsupported((*path, step), item)


def validation_errors(model: type[InputModel], props: Mapping[str, Any]) -> list[str]:
    """Return messages about the problems of the inputs with property path, value and requirement.

    Unknown values are considered valid.
    """
    return [message for messages in problems_by_input(model, props).values() for message in messages]


def problems_by_input(
    model: type[InputModel], props: Mapping[str, Any], added: AddedNames = NONE_ADDED
) -> dict[str, list[str]]:
    """Return the messages of `validation_errors` by the name of the input.

    Args:
        model: Model of the inputs.
        props: The properties.
        added: Names to suggest that a service adds; see `suggested_location`.
    """
    inputs = public_properties(props)
    try:
        model.model_validate(inputs)
    except ValidationError as error:
        found: dict[str, list[str]] = {}
        for problem in _problems(error, inputs, model, added):
            found.setdefault(str(problem.location[0]), []).append(_message(problem, props))
        return found
    return {}


@dataclass(slots=True)
class _Problem:
    """A problem of a value.

    Attributes:
        location: Location of the value in the inputs.
        value: The value.
        reasons: Requirements that the value does not meet, or the whole problem of a missing or unknown property.
        choices: Strings that the value can have, if it is not among them.
        meant: Location of the property that the program probably meant instead of an unknown property.
    """

    location: Location
    value: Any
    reasons: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    meant: Location | None = None


def _problems(
    error: ValidationError, inputs: Mapping[str, Any], model: type[InputModel], added: AddedNames
) -> list[_Problem]:
    """Return a problem for each cause: a misspelled property is not missing as well."""
    found: dict[Location, _Problem] = {}
    for details in error.errors(include_url=False):
        if isinstance(details["input"], Unknown):
            continue
        location = _location(details["loc"], inputs)
        problem = found.setdefault(location, _Problem(location, details["input"]))
        problem.reasons.append(_reason(details))
        if details["type"] == "literal_error":
            problem.choices += _QUOTED.findall(details["ctx"]["expected"])
        elif details["type"] == "extra_forbidden":
            problem.meant = suggested_location(model, location, inputs, added)
    meant = [problem.meant for problem in found.values() if problem.meant]
    return [
        problem
        for problem in found.values()
        if problem.reasons != [MISSING] or not any(_is_within(path, problem.location) for path in meant)
    ]


def _is_within(location: Location, outer: Location) -> bool:
    return location[: len(outer)] == outer


def _location(location: Iterable[int | str], inputs: Any) -> Location:
    """Return the location of a problem, without the branch names that pydantic adds for unions."""
    *inner, last = list(location) or [""]
    path: Location = ()
    for step in inner:
        is_key = isinstance(inputs, dict) and step in inputs
        if is_key or (isinstance(inputs, list) and isinstance(step, int) and step < len(inputs)):
            path, inputs = (*path, step), inputs[step]
    is_step = isinstance(inputs, dict) or (isinstance(inputs, list) and isinstance(last, int))
    return (*path, last) if is_step else path


def _reason(problem: Any) -> str:
    phrase = _PHRASES.get(problem["type"])
    return (
        phrase.format(**integers_from_floats(problem.get("ctx", {})))
        if phrase
        else problem["msg"].removeprefix("Value error, ")
    )


def _message(problem: _Problem, props: Mapping[str, Any]) -> str:
    path, name, reasons = (
        _path(problem.location),
        str(problem.location[0]),
        list(dict.fromkeys(problem.reasons)),
    )
    is_secret = bool(_secret_names(props) & {name, name + VALUES_ONLY})
    if reasons == [MISSING]:
        return f"{path}: {MISSING}"
    if reasons == [NOT_SUPPORTED]:
        if is_secret:  # the key is a word of the program, not of the API
            return f"{_path((*problem.location[:-1], SECRET))}: {NOT_SUPPORTED}"
        return f"{path}: {NOT_SUPPORTED}{_suggestion(problem)}"
    shown = redacted_repr(props, name, problem.value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}…"  # noqa: PLR2004 - keeps a message on one line
    hint = "" if is_secret else did_you_mean(problem.value, problem.choices)
    return f"{path}: {shown} is invalid: must be {' or '.join(reasons)}{hint}"


def _suggestion(problem: _Problem) -> str:
    """Return the suggested name, with its path if it belongs to another level."""
    if problem.meant is None:
        return ""
    *place, name = problem.meant
    if tuple(place) == problem.location[:-1]:
        return f". Did you mean {name!r}?"
    return f". Did you mean {'' if place else 'the input '}{_path(problem.meant)!r}?"


def _path(location: Location) -> str:
    """Return a location as text. Unlike `format_path`, it shows each key as the program wrote it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")
