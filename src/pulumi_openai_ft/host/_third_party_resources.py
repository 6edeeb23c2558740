"""Third-party dynamic resources, with the behavior of Pulumi's stock host.

The code follows `pulumi/dynamic/__main__.py` of the SDK. That module cannot be imported, because it starts a server.
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
from pulumi_openai_ft._shared.urns import name_of
from pulumi_openai_ft.errors import InputError, OpenAIFTError
from pulumi_openai_ft.host._protocol import from_struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.struct_pb2 import Struct

MAX_THREADS = 4
"""Number of threads of the stock host. Third-party code may rely on this limit and on the reuse of the threads."""
CHANGES = {
    None: provider_pb2.DiffResponse.DIFF_UNKNOWN,
    True: provider_pb2.DiffResponse.DIFF_SOME,
    False: provider_pb2.DiffResponse.DIFF_NONE,
}
Request = TypeVar("Request")
Response = TypeVar("Response")


class ForeignProviderError(Exception):
    """Third-party code raised an exception. The message is its traceback, as the stock host prints it."""


def _in_thread_pool(
    method: Callable[[ForeignResources, Request], Response],
) -> Callable[[ForeignResources, Request], Response]:
    @wraps(method)
    def wrapper(self: ForeignResources, request: Request) -> Response:
        try:
            return self.threads.submit(method, self, request).result()
        except OpenAIFTError:
            raise
        except BaseException as error:  # a provider may even call `sys.exit`
            raise ForeignProviderError("".join(traceback.format_exception(error))) from error

    return wrapper


class ForeignResources:
    """The implementation of the engine's calls for types of other packages.

    Attributes:
        threads: Threads that run third-party code.
    """

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(MAX_THREADS)
        self._config: dict[str, Any] = {}
        self._providers: dict[str, ResourceProvider] = {}
        self._lock = Lock()

    def configure(self, config: dict[str, Any]) -> None:
        """Store the stack's configuration."""
        self._config, self._providers = config, {}

    @_in_thread_pool
    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Validate inputs."""
        olds, news = from_struct(request.olds), from_struct(request.news)
        result = self._provider(request.urn, news, olds).check(olds, news)
        failures = [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in result.failures]
        return provider_pb2.CheckResponse(inputs=_to_struct(result.inputs, news), failures=failures)

    @_in_thread_pool
    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Compare a state with new inputs."""
        olds, news = from_struct(request.olds), from_struct(request.news)
        result = self._provider(request.urn, news, olds).diff(request.id, olds, news)
        return provider_pb2.DiffResponse(
            changes=CHANGES[result.changes if result.changes is None else bool(result.changes)],
            replaces=result.replaces,
            deleteBeforeReplace=bool(result.delete_before_replace),
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Create a resource. In previews, return its inputs: the engine does not call the stock host either."""
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        return self._create(request)

    @_in_thread_pool
    def _create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        props = from_struct(request.properties, unknowns=False)
        result = self._provider(request.urn, props).create(props)
        outs = {} if result.outs is None else result.outs
        return provider_pb2.CreateResponse(id=result.id, properties=_to_struct(outs, props))

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Update a resource; see `create` for previews."""
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        return self._update(request)

    @_in_thread_pool
    def _update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        olds, news = from_struct(request.olds, unknowns=False), from_struct(request.news, unknowns=False)
        result = self._provider(request.urn, news).update(request.id, olds, news)
        outs = {} if result.outs is None else result.outs
        return provider_pb2.UpdateResponse(properties=_to_struct(outs, news))

    @_in_thread_pool
    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Read a resource of the state or of a program's `get`."""
        props = from_struct(request.properties, unknowns=False) or from_struct(request.inputs, unknowns=False)
        if not props:
            raise InputError(
                f"resource {name_of(request.urn)!r} cannot be imported: only the program that defines a dynamic "
                f"resource has the code of its provider, and an import does not run the program"
            )
        result = self._provider(request.urn, props).read(request.id, props)
        inputs = None if result.inputs is None else _to_struct(dict(result.inputs), props)
        return provider_pb2.ReadResponse(
            id=result.id or "", properties=_to_struct(result.outs, props), inputs=inputs
        )

    @_in_thread_pool
    def delete(self, request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        """Delete a resource."""
        props = from_struct(request.properties, unknowns=False)
        self._provider(request.urn, props).delete(request.id, props)
        return empty_pb2.Empty()

    def _provider(
        self, urn: str, props: dict[str, Any], olds: dict[str, Any] | None = None
    ) -> ResourceProvider:
        """Return the provider that is pickled in the properties, created and configured once per process.

        If the pickled provider is unknown because it captured an output, use the provider in the old properties.
        """
        # settings are thread-local; the stock host sets neither the stack nor the organization
        configure(Settings(project=project_name(), stack="stack", organization="organization"))
        pickled = props.get(PROVIDER_KEY)
        if isinstance(pickled, Unknown) and olds:
            pickled = olds.get(PROVIDER_KEY)
        if not isinstance(pickled, str):
            raise InputError(
                f"resource {name_of(urn)!r}: its property {PROVIDER_KEY}, the pickled provider of a dynamic resource, is "
                f"{'missing' if pickled is None else 'not a string'}: check that its type is a dynamic resource"
            )
        with self._lock:
            if pickled not in self._providers:
                provider = _unpickle(urn, pickled)
                provider.configure(ConfigureRequest(Config(self._config, get_project())))
                self._providers[pickled] = provider
            return self._providers[pickled]


def _unpickle(urn: str, pickled: str) -> ResourceProvider:
    def load() -> ResourceProvider:
        provider: ResourceProvider = dill.loads(base64.b64decode(pickled))  # noqa: S301 - dynamic providers are pickled code
        return provider

    try:
        return _deserialize(load)
    except Exception as error:
        raise InputError(
            f"resource {name_of(urn)!r}: the dynamic provider in its property {PROVIDER_KEY} cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error


def _to_struct(outs: Any, props: dict[str, Any]) -> Struct:
    outs[PROVIDER_KEY] = props[PROVIDER_KEY]
    loop = asyncio.new_event_loop()  # the provider may use the thread's own loop
    try:
        return loop.run_until_complete(rpc.serialize_properties(outs, {}))
    finally:
        loop.close()
