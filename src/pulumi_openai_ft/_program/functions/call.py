"""Call lookup functions from a program: through the engine if possible, otherwise directly.

The engine passes a call to Pulumi's mocks or to the provider's host. A direct call is needed with Pulumi's stock host,
which does not support functions, and outside of Pulumi, without an engine.
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
_client = LazyModule("_client.client")  # only needed for direct calls
NOT_IMPLEMENTED = "Invoke is not implemented by the dynamic provider"
"""Error of the stock host, which does not support functions."""
_engines_without_functions: WeakSet[object] = WeakSet()


def call(lookup: LookupFunction[Found], opts: pulumi.InvokeOptions | None, **given: Any) -> Found:
    """Return the result of a function.

    Raises:
        OpenAIFTError: An argument is invalid, or the request failed.
    """
    with _errors_without_traceback():
        arguments = _checked(lookup, given)
        if _uses_engine():
            with _fallback_without_functions():
                result = pulumi.runtime.invoke(lookup.token, arguments.provided(), opts)
                return lookup.read(arguments, result.value)
        _require_default_provider(lookup, opts)
        return _call_directly(lookup, arguments, Settings.resolve(stack_config.config))


def call_output(
    lookup: LookupFunction[Found], opts: pulumi.InvokeOptions | None, **given: Any
) -> pulumi.Output[Found]:
    """Return the result of a function after its dependencies were created. It may be unknown during a preview."""
    arguments = pulumi.Output.from_input(given)
    dependencies: pulumi.Output[list[Any]] = pulumi.Output.from_input(_ids(arguments, opts))
    return pulumi.Output.all(arguments, dependencies).apply(lambda known: _call_async(lookup, opts, known[0]))


async def _call_async(
    lookup: LookupFunction[Found], opts: pulumi.InvokeOptions | None, given: Mapping[str, Any]
) -> Found:
    with _errors_without_traceback():
        arguments = _checked(lookup, given)
        if _uses_engine():
            with _fallback_without_functions():
                result = await pulumi.runtime.invoke_async(lookup.token, arguments.provided(), opts)
                return lookup.read(arguments, result)
        _require_default_provider(lookup, opts)
        return await asyncio.to_thread(
            _call_directly, lookup, arguments, Settings.resolve(stack_config.config)
        )


def _checked(lookup: LookupFunction[Found], given: Mapping[str, Any]) -> InputModel:
    for name, value in given.items():
        if isinstance(value, pulumi.Output):
            raise InputError(
                f"{lookup.function}: {name} is an output, and its value is not known yet: "
                f"call {lookup.function}_output instead"
            )
    return lookup.check(
        {name: dict(value) if isinstance(value, Mapping) else value for name, value in given.items()}
    )


def _require_default_provider(lookup: LookupFunction[Any], opts: pulumi.InvokeOptions | None) -> None:
    """Raise `InputError` if a direct call would use the settings of the stack instead of those of a provider."""
    if opts and (opts.provider or (opts.parent and opts.parent.get_provider(lookup.token))):
        raise InputError(
            f"{lookup.function}: Pulumi's own host does not support functions, and the program cannot read the settings "
            f"of the provider in `opts`: run `openai-ft init` to use this package's host"
        )


def _call_directly(lookup: LookupFunction[Found], arguments: InputModel, settings: Settings) -> Found:
    """Return the same result as a call through the engine, including the engine's omission of nulls."""
    settings.require_current_keys()
    return lookup.read(arguments, lookup.answer(_client.connect(settings), arguments, pulumi.log.warn))


def _uses_engine() -> bool:
    monitor = get_monitor()
    return monitor is not None and monitor not in _engines_without_functions


@contextmanager
def _fallback_without_functions() -> Iterator[None]:
    """Suppress and remember the error of a host without functions. Raise other errors as `OpenAIFTError`."""
    try:
        yield
    except Exception as error:  # Pulumi's SDK raises no more specific class
        if NOT_IMPLEMENTED in str(error):
            _engines_without_functions.add(get_monitor())
        elif known := decode(error):
            raise known from None
        else:
            raise


@contextmanager
def _errors_without_traceback() -> Iterator[None]:
    try:
        yield
    except OpenAIFTError as error:
        raise without_traceback(error) from error


async def _ids(arguments: pulumi.Output[Any], opts: pulumi.InvokeOptions | None) -> list[Any]:
    """Return the ids of the resources that the arguments and `depends_on` refer to.

    The ids are unknown until the resources are created. A component is replaced by its children.
    """
    resources = await arguments.resources()
    if isinstance(opts, pulumi.InvokeOutputOptions):
        resources |= await _resolve_depends_on(opts._depends_on_list())  # noqa: SLF001 - no public equivalent
    expanded = await _expand_dependencies(resources, None)
    return [vars(found)["id"] for found in expanded.values() if "id" in vars(found)]
