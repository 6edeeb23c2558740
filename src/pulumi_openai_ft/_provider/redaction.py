"""Removes the values of secret inputs from everything that an operation reports.

Values appear in messages in many ways: as an invalid input, in a file name, or in an error of the service, which repeats
them. So each operation knows the texts of its secret inputs, and they are replaced in each message on its way out.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, ReadResult, UpdateResult

from pulumi_openai_ft._shared.state_names import SECRET_INPUTS, TRAINING_DATA, VALUES_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

SECRET = "[secret]"  # noqa: S105 - the text that Pulumi prints
SHORTEST = 3
"""Number of characters of the shortest text that is replaced. Shorter texts are in most messages by chance."""
OPERATIONS = ("check", "diff", "announce_create", "preview_outputs", "create", "read", "update", "delete")
INPUTS_WITH_OWN_KEYS = ("metadata", "extra_body", "triggers")
"""Inputs whose keys are chosen by the program, and so may be secret. Other keys are words of the API."""
ECHOED_OUTPUTS = ("error",)
"""Outputs in which the service may repeat inputs."""
_texts: ContextVar[tuple[str, ...]] = ContextVar("texts", default=())


def redacted(message: str) -> str:
    """Return a message without the values of the current operation's secret inputs."""
    for text in _texts.get():
        message = message.replace(text, SECRET)
    return message


def redacts(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an operation of a provider, so that its result and its errors contain no secret inputs."""

    @wraps(operation)
    def wrapper(self: Any, *arguments: Any) -> Any:
        bags = [argument for argument in arguments if isinstance(argument, dict)]
        names = sorted({name for props in bags for name in props.get(SECRET_INPUTS) or ()})
        if not names:
            return operation(self, *arguments)
        with hiding(bags, names):
            try:
                return _redacted_result(operation(self, *arguments), names)
            except Exception as error:
                _redact_error(error, names)
                raise

    return wrapper


@contextmanager
def hiding(bags: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Iterator[None]:
    """Let `redacted` also remove the values of some inputs.

    Args:
        bags: Properties with the values.
        names: Names of the secret inputs, as in `SECRET_INPUTS`.
    """
    texts = _secret_texts(bags, names)
    token = _texts.set(tuple(sorted({*_texts.get(), *texts}, key=len, reverse=True)))
    try:
        yield
    finally:
        _texts.reset(token)


def _redacted_result(result: Any, names: list[str]) -> Any:
    if isinstance(result, CheckResult):
        failures = [CheckFailure(failure.property, redacted(failure.reason)) for failure in result.failures]
        return CheckResult(result.inputs, failures)
    if isinstance(result, CreateResult | UpdateResult | ReadResult) and result.outs:
        result.outs = _redacted_outs(result.outs, names)
    return result


def _redact_error(error: Exception, names: list[str]) -> None:
    error.args = tuple(map(_redacted_value, error.args))
    for name, value in vars(error).items():
        vars(error)[name] = _redacted_outs(value, names) if name == "outs" else _redacted_value(value)


def _redacted_outs(outs: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Return outputs with the names of the secret inputs, so that a later `read` or `delete` knows them."""
    echoed = {name: _redacted_value(outs[name]) for name in ECHOED_OUTPUTS if name in outs}
    return {**outs, **echoed, SECRET_INPUTS: names}


def _redacted_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _redacted_value(item) for key, item in value.items()}
    return redacted(value) if isinstance(value, str) else value


def _secret_texts(bags: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Iterator[str]:
    for text in (text for props in bags for name in names for text in _texts_of(name, props)):
        for form in (text, repr(text)[1:-1], json.dumps(text)[1:-1], quote(text), quote(text, safe="")):
            if len(form) >= SHORTEST:
                yield form


def _texts_of(marked: str, props: Mapping[str, Any]) -> Iterator[str]:
    name = marked.removesuffix(VALUES_ONLY)
    value = props.get(name)
    path = value.get("file") if name == TRAINING_DATA and isinstance(value, dict) else value
    if name in (TRAINING_DATA, "file"):
        yield from (path, PurePath(path).name) if isinstance(path, str) else ()
    else:
        yield from _leaves(value, with_keys=marked in INPUTS_WITH_OWN_KEYS)


def _leaves(value: Any, *, with_keys: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value if with_keys else ()
        for item in value.values():
            yield from _leaves(item, with_keys=with_keys)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, with_keys=with_keys)
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)
