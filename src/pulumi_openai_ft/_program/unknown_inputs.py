"""The error for a misspelled input of a resource. Python's own error would show a traceback and no suggestion."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._program.functions.error_transport import without_traceback
from pulumi_openai_ft._shared.suggestions import did_you_mean
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


def reports_unknown_inputs(constructor: Callable[..., None]) -> Callable[..., None]:
    """Decorate the constructor of a resource, so that it raises `InputError` for inputs that it does not have."""
    parameters = inspect.signature(constructor).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return constructor
    inputs = [name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY]

    @wraps(constructor)
    def wrapper(self: Any, *arguments: Any, **given: Any) -> None:
        if unknown := [name for name in given if name not in parameters]:
            name = str(given.get("resource_name", arguments[0] if arguments else ""))
            problems = [f"{wrong}: is not a known property{did_you_mean(wrong, inputs)}" for wrong in unknown]
            raise without_traceback(
                InputError(f"{type(self).__name__} resource {name!r} has a problem: {'; '.join(problems)}")
            )
        constructor(self, *arguments, **given)

    return wrapper
