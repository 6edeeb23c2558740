"""The engine's calls: which of them are for our resources, which for others', and how failures are told."""

from __future__ import annotations

import traceback
from functools import wraps
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from pulumi_openai_ft._settings import denies_third_party_providers
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.errors import InputError, OpenAIFTError
from pulumi_openai_ft.host._engine_host import EngineHost, EngineLog
from pulumi_openai_ft.host._grpc_errors import abort_partial, fail
from pulumi_openai_ft.host._operations import Operation, Operations
from pulumi_openai_ft.host._own_resources import OwnResources, PartialFailureError
from pulumi_openai_ft.host._protocol import name_of, type_of
from pulumi_openai_ft.host._third_party_resources import ForeignProviderError, ForeignResources

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

VERSION = "0.1.0"
"""What the stock host says of itself."""
_functions, _schema = LazyModule("host._functions"), LazyModule("host._schema")
"""Few commands need them, and they would keep the port waiting."""


def _reports_errors(
    answer: Callable[[Servicer, Any], Any],
) -> Callable[[Servicer, Any, grpc.ServicerContext], Any]:
    """Lets a method raise. This is the one place where whatever it raises becomes what the engine shows."""

    @wraps(answer)
    def answer_or_tell(self: Servicer, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return answer(self, request)
        except PartialFailureError as error:
            abort_partial(context, error.left)
        except (OpenAIFTError, ForeignProviderError) as error:
            fail(context, str(error))
        except Exception:  # noqa: BLE001 - nothing may leave a call unanswered
            fail(
                context, f"this is a mistake in pulumi-openai-ft, please report it: {traceback.format_exc()}"
            )

    return answer_or_tell


class Servicer(ResourceProviderServicer):
    """Serves one engine.

    Args:
        engine_address: Where it listens; empty where nobody does.
    """

    def __init__(self, engine_address: str) -> None:
        self._operations = Operations()
        self._host = EngineHost(log=EngineLog(engine_address), operations=self._operations)
        self._own = OwnResources(self._host)
        self._foreign = ForeignResources()
        self._config: dict[str, Any] = {}
        self._refuses_foreign = False

    def interrupt(self) -> None:
        """Brings what is under way to an early end in which nothing is lost."""
        self._operations.interrupt()

    def Handshake(self, _request: Any, _context: Any) -> Any:
        """Makes the engine ask for creates and updates in previews too."""
        return provider_pb2.ProviderHandshakeResponse()

    @_reports_errors
    def Configure(self, request: Any) -> Any:
        """Takes the stack's configuration. Like the stock host, we take no secrets: the engine marks them itself."""
        config = {
            key: rpc.unwrap_rpc_secret(value)
            for key, value in rpc.deserialize_properties(request.args).items()
        }
        self._config, self._refuses_foreign = config, denies_third_party_providers(config.get)
        self._own.configure(config)
        self._foreign.configure(config)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        """Says a version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, _request: Any, _context: Any) -> Any:
        """The user has pressed Ctrl-C."""
        self.interrupt()
        return empty_pb2.Empty()

    @_reports_errors
    def GetSchema(self, _request: Any) -> Any:
        """Describes our types and functions, which is what `pulumi import` writes programs by."""
        schema = _schema.package_schema_json()
        return provider_pb2.GetSchemaResponse(schema=schema)

    @_reports_errors
    def Invoke(self, request: Any) -> Any:
        """Calls one of our functions."""
        return self._operations.run(
            Operation(urn=""), lambda: _functions.respond(request, self._config.get, self._host.time)
        )

    @_reports_errors
    def Check(self, request: Any) -> Any:
        """Checks inputs."""
        return self._resources(request).check(request)

    @_reports_errors
    def Diff(self, request: Any) -> Any:
        """Compares a state with inputs."""
        return self._resources(request).diff(request)

    @_reports_errors
    def Create(self, request: Any) -> Any:
        """Creates a resource."""
        return self._resources(request).create(request)

    @_reports_errors
    def Update(self, request: Any) -> Any:
        """Updates a resource."""
        return self._resources(request).update(request)

    @_reports_errors
    def Read(self, request: Any) -> Any:
        """Reads a resource."""
        return self._resources(request).read(request)

    @_reports_errors
    def Delete(self, request: Any) -> Any:
        """Deletes a resource."""
        return self._resources(request).delete(request)

    def _resources(self, request: Any) -> OwnResources | ForeignResources:
        kind = type_of(request.urn)
        if kind.startswith(TYPE_PREFIX):
            return self._own
        if self._refuses_foreign:
            raise InputError(
                f"resource {name_of(request.urn)!r}: its type {kind!r} is none of pulumi-openai-ft, and "
                f"openai-ft:denyThirdPartyProviders is set, so the code of its provider is not run: take the setting out of "
                f"the stack's configuration to allow it"
            )
        return self._foreign
