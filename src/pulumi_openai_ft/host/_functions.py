"""Implementation of the engine's `Invoke` call for this package's functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2

from pulumi_openai_ft._client.client import connect
from pulumi_openai_ft._program.functions.error_transport import encode
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.errors import InputError, OpenAIFTError
from pulumi_openai_ft.host._protocol import from_struct, to_struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WITHOUT_ENGINE = Host()
"""A host that prints messages to stderr."""


def respond(
    request: provider_pb2.InvokeRequest, config: Callable[[str], str | None], host: Host = WITHOUT_ENGINE
) -> provider_pb2.InvokeResponse:
    """Respond to an `Invoke` call. Return errors as failures, from which the program can restore the error class."""
    response = provider_pb2.InvokeResponse()
    try:
        result = invoke(request.tok, from_struct(request.args), config, host)
        getattr(response, "return").CopyFrom(to_struct(result))
    except OpenAIFTError as error:
        response.failures.add(property=encode(error), reason=str(error))
    return response


def invoke(
    token: str, args: Mapping[str, Any], config: Callable[[str], str | None], host: Host = WITHOUT_ENGINE
) -> dict[str, Any]:
    """Call a function and return its result.

    Args:
        token: Function token, such as `pulumi-python:dynamic/openai_ft:getFile`.
        args: Arguments of the function.
        config: Returns the stack's value of a full configuration key, such as `openai-ft:apiKey`.
        host: The host, for warnings, clocks, and a sleep that ends early if the user interrupts the command.

    Raises:
        InputError: The function does not exist, or the arguments are invalid.
        OpenAIFTError: The request failed, or the object does not exist.
    """
    lookup = LOOKUPS.get(token.removeprefix(TYPE_PREFIX))
    if lookup is None:
        raise InputError(
            f"unknown function {token!r}: this version of pulumi-openai-ft has {', '.join(LOOKUPS)} "
            f"(prefix {TYPE_PREFIX!r}): check the name, or upgrade the package"
        )
    arguments, settings = lookup.check(args), Settings.resolve(config)
    settings.require_current_keys()
    return lookup.answer(connect(settings, host.time), arguments, host.warn)
