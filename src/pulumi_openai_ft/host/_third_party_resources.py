"""Everybody else's dynamic resources: what the stock host does, as the stock host does it.

Source: `pulumi/dynamic/__main__.py` of the SDK, which cannot be imported without serving.
"""

from __future__ import annotations

import asyncio
import base64
import traceback
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import dill
from google.protobuf import empty_pb2
from pulumi.dynamic import Config, ConfigureRequest, ResourceProvider
from pulumi.dynamic.dynamic import PROVIDER_KEY
from pulumi.metadata import get_project
from pulumi.output import Unknown
from pulumi.runtime import Settings, configure, rpc
from pulumi.runtime._serialization import _deserialize
from pulumi.runtime.proto import provider_pb2

from pulumi_openai_ft._settings import project_name
from pulumi_openai_ft.errors import InputError, OpenAIFTError
from pulumi_openai_ft.host._protocol import from_struct, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.struct_pb2 import Struct

AT_A_TIME = 4
"""The stock host's threads. Other people's code may count on there being no more, at a time and in all."""
CHANGES = {
    None: provider_pb2.DiffResponse.DIFF_UNKNOWN,
    True: provider_pb2.DiffResponse.DIFF_SOME,
    False: provider_pb2.DiffResponse.DIFF_NONE,
}
Request = TypeVar("Request")
Response = TypeVar("Response")


class ForeignProviderError(Exception):
    """Other people's code has raised something; the text is the traceback, as the stock host shows it."""


def _in_turn(
    answer: Callable[[ForeignResources, Request], Response],
) -> Callable[[ForeignResources, Request], Response]:
    @wraps(answer)
    def answer_in_turn(self: ForeignResources, request: Request) -> Response:
        try:
            return self.threads.submit(answer, self, request).result()
        except OpenAIFTError:
            raise
        except BaseException as error:  # a provider may even call `sys.exit`
            raise ForeignProviderError("".join(traceback.format_exception(error))) from error

    return answer_in_turn


class ForeignResources:
    """Answers the engine's calls for types that are not ours.

    Attributes:
        threads: Where other people's code runs.
    """

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(AT_A_TIME)
        self._config: dict[str, Any] = {}
        self._providers: dict[str, ResourceProvider] = {}
        self._lock = Lock()

    def configure(self, config: dict[str, Any]) -> None:
        """Takes the stack's configuration."""
        self._config, self._providers = config, {}

    @_in_turn
    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Checks inputs."""
        olds, news = from_struct(request.olds), from_struct(request.news)
        result = self._provider(request.urn, news, olds).check(olds, news)
        failures = [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in result.failures]
        return provider_pb2.CheckResponse(inputs=_sent(result.inputs, news), failures=failures)

    @_in_turn
    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Compares a state with inputs."""
        olds, news = from_struct(request.olds), from_struct(request.news)
        result = self._provider(request.urn, news, olds).diff(request.id, olds, news)
        return provider_pb2.DiffResponse(
            changes=CHANGES[result.changes if result.changes is None else bool(result.changes)],
            replaces=result.replaces,
            deleteBeforeReplace=bool(result.delete_before_replace),
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Creates a resource. What that gives is unknown in previews: the stock host is not even asked then."""
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        return self._create(request)

    @_in_turn
    def _create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        props = from_struct(request.properties, unknowns=False)
        result = self._provider(request.urn, props).create(props)
        outs = {} if result.outs is None else result.outs
        return provider_pb2.CreateResponse(id=result.id, properties=_sent(outs, props))

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Updates a resource; see `create` for previews."""
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        return self._update(request)

    @_in_turn
    def _update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        olds, news = from_struct(request.olds, unknowns=False), from_struct(request.news, unknowns=False)
        result = self._provider(request.urn, news).update(request.id, olds, news)
        outs = {} if result.outs is None else result.outs
        return provider_pb2.UpdateResponse(properties=_sent(outs, news))

    @_in_turn
    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Reads a resource of a state, or of a program's `get`."""
        props = from_struct(request.properties, unknowns=False) or from_struct(request.inputs, unknowns=False)
        if not props:
            raise InputError(
                f"resource {name_of(request.urn)!r} cannot be imported: only the program that defines a dynamic "
                f"resource has its provider's code, and none comes with an import"
            )
        result = self._provider(request.urn, props).read(request.id, props)
        inputs = None if result.inputs is None else _sent(dict(result.inputs), props)
        return provider_pb2.ReadResponse(
            id=result.id or "", properties=_sent(result.outs, props), inputs=inputs
        )

    @_in_turn
    def delete(self, request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        """Deletes a resource."""
        props = from_struct(request.properties, unknowns=False)
        self._provider(request.urn, props).delete(request.id, props)
        return empty_pb2.Empty()

    def _provider(
        self, urn: str, props: dict[str, Any], olds: dict[str, Any] | None = None
    ) -> ResourceProvider:
        """The provider that is pickled into the properties, made and configured once a process.

        One that is not known yet, since it captured an output, is taken from the old properties.
        """
        # settings are the thread's; the stock host knows neither stack nor organization
        configure(Settings(project=project_name(), stack="stack", organization="organization"))
        pickled = props.get(PROVIDER_KEY)
        if isinstance(pickled, Unknown) and olds:
            pickled = olds.get(PROVIDER_KEY)
        if not isinstance(pickled, str):
            raise InputError(
                f"resource {name_of(urn)!r}: its property {PROVIDER_KEY}, which holds the code of a dynamic resource's "
                f"provider, is {'missing' if pickled is None else 'no text'}: is its type a dynamic one?"
            )
        with self._lock:
            if pickled not in self._providers:
                provider = _unpickled(urn, pickled)
                provider.configure(ConfigureRequest(Config(self._config, get_project())))
                self._providers[pickled] = provider
            return self._providers[pickled]


def _unpickled(urn: str, pickled: str) -> ResourceProvider:
    def load() -> ResourceProvider:
        provider: ResourceProvider = dill.loads(base64.b64decode(pickled))  # noqa: S301 - what dynamic providers are
        return provider

    try:
        return _deserialize(load)
    except Exception as error:
        raise InputError(
            f"resource {name_of(urn)!r}: the code of its dynamic provider, which its property {PROVIDER_KEY} holds, "
            f"cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _sent(outs: Any, props: dict[str, Any]) -> Struct:
    outs[PROVIDER_KEY] = props[PROVIDER_KEY]
    loop = asyncio.new_event_loop()  # the thread's own is the provider's
    try:
        return loop.run_until_complete(rpc.serialize_properties(outs, {}))
    finally:
        loop.close()
