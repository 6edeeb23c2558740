"""gRPC servicer that dispatches the engine's calls to this package's or third-party resources and maps exceptions."""

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
from pulumi_openai_ft._shared.urns import name_of, type_of
from pulumi_openai_ft.errors import InputError, OpenAIFTError
from pulumi_openai_ft.host._engine_host import EngineHost, EngineLog
from pulumi_openai_ft.host._grpc_errors import abort_partial, fail
from pulumi_openai_ft.host._operations import Operation, Operations
from pulumi_openai_ft.host._own_resources import OwnResources, PartialFailureError
from pulumi_openai_ft.host._third_party_resources import ForeignProviderError, ForeignResources

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

VERSION = "0.1.0"
"""The version that the stock host reports."""
_functions, _schema = LazyModule("host._functions"), LazyModule("host._schema")
"""Only some commands need these modules, and importing them would delay printing the port."""


def _reports_errors(
    method: Callable[[Servicer, Any], Any],
) -> Callable[[Servicer, Any, grpc.ServicerContext], Any]:
    """Convert the exceptions of a method to gRPC errors. All exceptions of the host pass through this decorator."""

    @wraps(method)
    def wrapper(self: Servicer, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request)
        except PartialFailureError as error:
            abort_partial(context, error.failure)
        except (OpenAIFTError, ForeignProviderError) as error:
            fail(context, str(error))
        except Exception:  # noqa: BLE001 - every call must return an error
            fail(context, f"this is a bug in pulumi-openai-ft, please report it: {traceback.format_exc()}")

    return wrapper


class Servicer(ResourceProviderServicer):
    """The gRPC service for an engine.

    Args:
        engine_address: Address of the engine; empty without an engine.
    """

    def __init__(self, engine_address: str) -> None:
        self._operations = Operations()
        self._host = EngineHost(log=EngineLog(engine_address), operations=self._operations)
        self._own = OwnResources(self._host)
        self._foreign = ForeignResources()
        self._config: dict[str, Any] = {}
        self._refuses_foreign = False

    def interrupt(self) -> None:
        """End the running operations early, without losing created resources."""
        self._operations.interrupt()

    def Handshake(self, _request: Any, _context: Any) -> Any:
        """Respond, so that the engine also calls `Create` and `Update` in previews."""
        return provider_pb2.ProviderHandshakeResponse()

    @_reports_errors
    def Configure(self, request: Any) -> Any:
        """Store the stack's configuration without secret markers.

        Like the stock host, leave marking secrets to the engine.
        """
        config = {
            key: rpc.unwrap_rpc_secret(value)
            for key, value in rpc.deserialize_properties(request.args).items()
        }
        self._config, self._refuses_foreign = config, denies_third_party_providers(config.get)
        self._own.configure(config)
        self._foreign.configure(config)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        """Return the version of the host."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def Cancel(self, _request: Any, _context: Any) -> Any:
        """Interrupt the running operations after the user pressed Ctrl-C."""
        self.interrupt()
        return empty_pb2.Empty()

    @_reports_errors
    def GetSchema(self, _request: Any) -> Any:
        """Return the package schema, from which `pulumi import` generates programs."""
        schema = _schema.package_schema_json()
        return provider_pb2.GetSchemaResponse(schema=schema)

    @_reports_errors
    def Invoke(self, request: Any) -> Any:
        """Call a function of this package."""
        return self._operations.run(
            Operation(urn=""), lambda: _functions.respond(request, self._config.get, self._host)
        )

    @_reports_errors
    def Check(self, request: Any) -> Any:
        """Validate inputs."""
        return self._resources(request).check(request)

    @_reports_errors
    def Diff(self, request: Any) -> Any:
        """Compare a state with new inputs."""
        return self._resources(request).diff(request)

    @_reports_errors
    def Create(self, request: Any) -> Any:
        """Create a resource."""
        return self._resources(request).create(request)

    @_reports_errors
    def Update(self, request: Any) -> Any:
        """Update a resource."""
        return self._resources(request).update(request)

    @_reports_errors
    def Read(self, request: Any) -> Any:
        """Read a resource."""
        return self._resources(request).read(request)

    @_reports_errors
    def Delete(self, request: Any) -> Any:
        """Delete a resource."""
        return self._resources(request).delete(request)

    def _resources(self, request: Any) -> OwnResources | ForeignResources:
        kind = type_of(request.urn)
        if kind.startswith(TYPE_PREFIX):
            return self._own
        if self._refuses_foreign:
            raise InputError(
                f"resource {name_of(request.urn)!r}: its type {kind!r} is not provided by pulumi-openai-ft, "
                f"and openai-ft:denyThirdPartyProviders is set, so its provider's code was not run: remove the setting "
                f"from the stack's configuration to allow it"
            )
        return self._foreign
