"""Functions, as the engine asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2

from pulumi_openai_ft._client.client import connect
from pulumi_openai_ft._program.functions.error_transport import encode
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.errors import InputError, OpenAIFTError
from pulumi_openai_ft.host._protocol import from_struct, to_struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def respond(
    request: provider_pb2.InvokeRequest, config: Callable[[str], str | None], time: TimeSource = REAL_TIME
) -> provider_pb2.InvokeResponse:
    """Answers an Invoke. What goes wrong is a failure in the answer, of which a program can tell the kind."""
    response = provider_pb2.InvokeResponse()
    try:
        found = invoke(request.tok, from_struct(request.args), config, time)
        getattr(response, "return").CopyFrom(to_struct(found))
    except OpenAIFTError as error:
        response.failures.add(property=encode(error), reason=str(error))
    return response


def invoke(
    token: str, args: Mapping[str, Any], config: Callable[[str], str | None], time: TimeSource = REAL_TIME
) -> dict[str, Any]:
    """What a function gives.

    Args:
        token: The function's full name, such as `pulumi-python:dynamic/openai_ft:getFile`.
        args: Its arguments.
        config: The stack's configuration by full key, such as `openai-ft:apiKey`.
        time: Clocks, and a sleep that ends early when the user interrupts the command.

    Raises:
        InputError: There is no such function, or the arguments are wrong.
        OpenAIFTError: The service cannot be asked, or knows no such thing.
    """
    lookup = LOOKUPS.get(token.removeprefix(TYPE_PREFIX))
    if lookup is None:
        raise InputError(
            f"there is no function {token!r}: after {TYPE_PREFIX!r} there is one of {', '.join(LOOKUPS)}; another version "
            f"of pulumi-openai-ft may have more"
        )
    arguments, settings = lookup.check(args), Settings.resolve(config)
    settings.require_current_keys()
    return lookup.answer(connect(settings, time), arguments)
