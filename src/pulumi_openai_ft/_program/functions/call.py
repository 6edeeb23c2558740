"""How a program's functions reach the service: through the engine, or by themselves where that cannot be.

The engine lets Pulumi's mocks and the provider's host answer. The stock host answers no functions, and outside of
Pulumi there is no engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import pulumi
from pulumi.runtime._depends_on import _resolve_depends_on
from pulumi.runtime.rpc import _expand_dependencies
from pulumi.runtime.settings import get_monitor
from pydantic import BaseModel

from pulumi_openai_ft._program import stack_config
from pulumi_openai_ft._program.functions.error_transport import decode, without_traceback
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft.errors import InputError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._program.functions.lookups import LookupFunction
    from pulumi_openai_ft._provider.input_models import InputModel

Found = TypeVar("Found", bound=BaseModel)
_service = LazyModule("_client.client")  # which the host asks instead, where it answers functions
NOT_IMPLEMENTED = "Invoke is not implemented by the dynamic provider"
"""How the stock host refuses."""
_engines_without_functions: WeakSet[object] = WeakSet()


def call(lookup: LookupFunction[Found], opts: pulumi.InvokeOptions | None, **given: Any) -> Found:
    """What a function gives.

    Raises:
        OpenAIFTError: The arguments are wrong, or it cannot be had.
    """
    with _shown_as_sentences():
        arguments = _checked(lookup, given)
        if _engine_is_asked():
            with _refusal_noted():
                answer = pulumi.runtime.invoke(lookup.token, arguments.provided(), opts)
                return lookup.read(arguments, answer.value)
        return _directly(lookup, arguments, Settings.resolve(stack_config.config))


def ask_output(
    lookup: LookupFunction[Found], opts: pulumi.InvokeOptions | None, **given: Any
) -> pulumi.Output[Found]:
    """What a function gives once everything is made that it waits for. In a preview it may stay unknown."""
    arguments = pulumi.Output.from_input(given)
    made: pulumi.Output[list[Any]] = pulumi.Output.from_input(_ids(arguments, opts))
    return pulumi.Output.all(arguments, made).apply(lambda known: _ask_later(lookup, opts, known[0]))


async def _ask_later(
    lookup: LookupFunction[Found], opts: pulumi.InvokeOptions | None, given: Mapping[str, Any]
) -> Found:
    with _shown_as_sentences():
        arguments = _checked(lookup, given)
        if _engine_is_asked():
            with _refusal_noted():
                answer = await pulumi.runtime.invoke_async(lookup.token, arguments.provided(), opts)
                return lookup.read(arguments, answer)
        return await asyncio.to_thread(_directly, lookup, arguments, Settings.resolve(stack_config.config))


def _checked(lookup: LookupFunction[Found], given: Mapping[str, Any]) -> InputModel:
    for name, value in given.items():
        if isinstance(value, pulumi.Output):
            raise InputError(
                f"{lookup.function}: {name} is an output, known only later: call {lookup.function}_output instead"
            )
    plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in given.items()}
    return lookup.check(plain)


def _directly(lookup: LookupFunction[Found], arguments: InputModel, settings: Settings) -> Found:
    """The same as through the engine, down to what the engine does not carry."""
    settings.require_current_keys()
    return lookup.read(arguments, lookup.answer(_service.connect(settings), arguments))


def _engine_is_asked() -> bool:
    monitor = get_monitor()
    return monitor is not None and monitor not in _engines_without_functions


@contextmanager
def _refusal_noted() -> Iterator[None]:
    """Goes on where the host has no functions, and remembers it. Other failures become our errors."""
    try:
        yield
    except Exception as error:  # Pulumi's SDK raises nothing more special
        if NOT_IMPLEMENTED in str(error):
            _engines_without_functions.add(get_monitor())
        elif known := decode(error):
            raise known from None
        else:
            raise


@contextmanager
def _shown_as_sentences() -> Iterator[None]:
    try:
        yield
    except OpenAIFTError as error:
        raise without_traceback(error) from error


async def _ids(arguments: pulumi.Output[Any], opts: pulumi.InvokeOptions | None) -> list[Any]:
    """Ids of the resources that the arguments come from, and of those that are named in `depends_on`.

    They are unknown before the resources are made. Of a component, its children count.
    """
    resources = await arguments.resources()
    if isinstance(opts, pulumi.InvokeOutputOptions):
        resources |= await _resolve_depends_on(opts._depends_on_list())  # noqa: SLF001 - there is no public way
    expanded = await _expand_dependencies(resources, None)
    return [vars(found)["id"] for found in expanded.values() if "id" in vars(found)]
