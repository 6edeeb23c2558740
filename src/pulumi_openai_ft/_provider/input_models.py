"""How inputs are described, checked and compared, whatever the resource.

Pulumi hands over whole numbers as floats, and values that are not known yet as `pulumi.output.Unknown`. Both are
dealt with here, so that resources need not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.output import Unknown
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_openai_ft._shared.api_limits import RANGES
from pulumi_openai_ft._shared.property_paths import top_level
from pulumi_openai_ft._shared.state_names import SECRET_INPUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIDDEN = "__"
MISSING, NOT_SUPPORTED = "is missing", "is not supported here"
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
    "string_pattern_mismatch": "a text of the form {pattern}",
    "string_too_long": "a text of at most {max_length} characters",
    "string_too_short": "a text of at least {min_length} characters",
    "string_type": "a text",
    "too_long": "of at most {max_length} entries",
    "too_short": "of at least {min_length} entries",
}
"""Kinds of pydantic's problems, as what the value must be."""


class InputModel(BaseModel):
    """Base of the models that describe a resource's inputs and their nested values."""

    model_config = ConfigDict(extra="forbid", defer_build=True, protected_namespaces=(), strict=True)

    def provided(self) -> dict[str, Any]:
        """The values that the program gave, as JSON; 0, False and empty texts are values, None is not."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


def integers_from_floats(value: Any) -> Any:
    """Makes whole floats whole numbers, all the way down."""
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
    """A value that is not known yet, as Pulumi hands it over and takes it back."""
    return Unknown()  # type: ignore[no-untyped-call]


def is_known(value: Any) -> bool:
    """Whether no part of a value is still unknown."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    return all(map(is_known, value)) if isinstance(value, list) else not isinstance(value, Unknown)


def public_properties(props: Mapping[str, Any]) -> dict[str, Any]:
    """Properties without Pulumi's and our hidden ones, and without those that are not set."""
    return {
        key: integers_from_floats(value)
        for key, value in props.items()
        if value is not None and not key.startswith(HIDDEN)
    }


def redacted_repr(props: Mapping[str, Any], name: str, value: Any) -> str:
    """A value of an input, as a sentence may show it.

    Args:
        props: All properties, the hidden list of secret ones among them.
        name: The input.
        value: The value, or something in it.
    """
    return "[secret]" if name in (props.get(SECRET_INPUTS) or ()) else repr(value)


def validation_errors(model: type[InputModel], props: Mapping[str, Any]) -> list[str]:
    """What is wrong with the inputs, a sentence each: property path, value, what to write. Unknowns are fine."""
    inputs = public_properties(props)
    try:
        model.model_validate(inputs)
    except ValidationError as error:
        return _sentences(error, inputs, props)
    return []


def _sentences(error: ValidationError, inputs: Mapping[str, Any], props: Mapping[str, Any]) -> list[str]:
    found: dict[str, tuple[Any, list[str]]] = {}
    for problem in error.errors(include_url=False):
        if isinstance(problem["input"], Unknown):
            continue
        path = _path(problem["loc"], inputs)
        value = None if problem["type"] == "missing" else problem["input"]
        found.setdefault(path, (value, []))[1].append(_reason(problem))
    return [
        _sentence(path, redacted_repr(props, top_level(path), value), reasons)
        for path, (value, reasons) in found.items()
    ]


def _path(location: Iterable[int | str], inputs: Any) -> str:
    """Property path of a problem, without the names that pydantic gives to the branches of a union."""
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


def _sentence(path: str, shown: str, reasons: list[str]) -> str:
    reasons = list(dict.fromkeys(reasons))
    if reasons in ([MISSING], [NOT_SUPPORTED]):
        return f"{path}: {reasons[0]}"
    shown = shown if len(shown) <= 80 else f"{shown[:77]}…"  # noqa: PLR2004 - keeps a sentence on one line
    return f"{path}: {shown} does not fit: must be {' or '.join(reasons)}"
