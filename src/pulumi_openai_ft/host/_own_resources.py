"""Resources of this package. The URN's type determines the provider class; the host never unpickles the state."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider
from pulumi.runtime.proto import provider_pb2

from pulumi_openai_ft._settings import project_name
from pulumi_openai_ft._shared.codegen_escapes import escape_for_codegen
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft._shared.urns import name_of, type_of
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    IncompleteResourceError,
    InputError,
    OpenAIFTError,
)
from pulumi_openai_ft.host._operations import Operation
from pulumi_openai_ft.host._protocol import (
    diff_response,
    from_struct,
    to_struct,
)
from pulumi_openai_ft.host._startup import loading

if TYPE_CHECKING:
    from pulumi.dynamic import CreateResult

    from pulumi_openai_ft._provider.base import Provider
    from pulumi_openai_ft.host._engine_host import EngineHost

MODULES = {
    "File": "file",
    "FineTuningJob": "fine_tuning_job",
    "FineTuningCheckpointPermission": "checkpoint_permission",
}
"""The resource types and their modules. They are imported on first use, because the host must print its port quickly."""
STATE_FORMAT_KEY, STATE_FORMAT = "__state_format", 1
"""Name of the output with which newer versions mark incompatible states, and the format that this version reads."""


class PartialFailureError(Exception):
    """A create or update failed, but the resource exists and the engine must record it."""

    def __init__(self, failure: provider_pb2.ErrorResourceInitFailed) -> None:
        super().__init__("; ".join(failure.reasons))
        self.failure = failure


class OwnResources:
    """The implementation of the engine's calls for this package's resource types.

    Args:
        host: The host that providers use for logging, progress and interruption.
    """

    def __init__(self, host: EngineHost) -> None:
        self._host = host
        self._config: dict[str, Any] = {}
        self._providers: dict[str, Provider] = {}
        self._lock = Lock()

    def configure(self, config: dict[str, Any]) -> None:
        """Store the stack's configuration."""
        self._config, self._providers = config, {}

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Validate inputs."""
        provider, olds, news = (
            self._provider(request.urn),
            from_struct(request.olds),
            from_struct(request.news),
        )
        result = self._host.operations.run(Operation(request.urn), lambda: provider.check(olds, news))
        failures = [
            provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
            for failure in result.failures
        ]
        return provider_pb2.CheckResponse(
            inputs=self._to_struct(request.urn, result.inputs), failures=failures
        )

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Compare a state with new inputs."""
        provider, news = self._provider(request.urn), from_struct(request.news)
        old_inputs = from_struct(request.old_inputs)
        kept_inputs = {name: old_inputs[name] for name in provider.inputs_used_in_diff if name in old_inputs}
        olds = {**kept_inputs, **from_struct(request.olds)}
        # a failing diff would end the whole command; let the update report the error
        if not _is_readable(olds):
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_SOME)
        return diff_response(provider.diff(request.id, olds, news), olds, news)

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Create a resource, or return its expected outputs in a preview."""
        provider, props = self._provider(request.urn), from_struct(request.properties)
        if request.preview:
            provider.announce_create(props)
            return provider_pb2.CreateResponse(
                properties=self._to_struct(request.urn, provider.preview_outputs(None, props))
            )
        operation = Operation(request.urn, request.timeout)
        try:
            result = self._host.operations.run(operation, lambda: _announced_create(provider, props))
        except Exception as error:
            if operation.created is None:
                raise
            incomplete = _incomplete(provider, operation.created.id, operation.created.outs or {}, error)
            raise self._partial_failure(request.urn, operation.created.id, props, incomplete) from error
        return provider_pb2.CreateResponse(id=result.id, properties=self._to_struct(request.urn, result.outs))

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Update a resource, or return its expected outputs in a preview."""
        provider, news = self._provider(request.urn), from_struct(request.news)
        olds = _state(request.urn, request.olds)
        if request.preview:
            return provider_pb2.UpdateResponse(
                properties=self._to_struct(request.urn, provider.preview_outputs(olds, news))
            )
        operation = Operation(request.urn, request.timeout)
        try:
            result = self._host.operations.run(operation, lambda: provider.update(request.id, olds, news))
        except (CommandInterruptedError, IncompleteResourceError) as error:
            incomplete = _incomplete(provider, request.id, olds, error)
            raise self._partial_failure(request.urn, request.id, news, incomplete) from error
        return provider_pb2.UpdateResponse(properties=self._to_struct(request.urn, result.outs))

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Read a resource of the state or of a program's `get`, or import a resource of which only the id is known."""
        provider = self._provider(request.urn)
        props = _state(request.urn, request.properties) or from_struct(request.inputs)
        result = self._host.operations.run(
            Operation(request.urn),
            lambda: provider.read(request.id, props) if props else provider.import_(request.id),
        )
        if not result.id:
            return provider_pb2.ReadResponse()
        inputs = (
            None if result.inputs is None else self._to_struct(request.urn, escape_for_codegen(result.inputs))
        )
        return provider_pb2.ReadResponse(
            id=result.id, properties=self._to_struct(request.urn, result.outs), inputs=inputs
        )

    def delete(self, request: provider_pb2.DeleteRequest) -> empty_pb2.Empty:
        """Delete a resource."""
        provider, props = self._provider(request.urn), _state(request.urn, request.properties)
        operation = Operation(request.urn, request.timeout)
        self._host.operations.run(operation, lambda: provider.delete(request.id, props))
        return empty_pb2.Empty()

    def _provider(self, urn: str) -> Provider:
        """Return the provider of a resource, and attribute its log messages in this thread to that resource."""
        name = _known_type(urn)
        Operation(urn).enter()
        with self._lock:
            if name not in self._providers:
                self._providers[name] = self._configured(name)
            return self._providers[name]

    def _configured(self, name: str) -> Provider:
        provider: Provider = provider_class(name)()
        provider.configure(ConfigureRequest(Config(self._config, project_name())))
        provider.host = self._host
        return provider

    def _to_struct(self, urn: str, properties: dict[str, Any] | None) -> Any:
        return to_struct({**(properties or {}), PROVIDER_KEY: _pickled(_known_type(urn))})

    def _partial_failure(
        self, urn: str, id_: str, inputs: dict[str, Any], error: IncompleteResourceError
    ) -> PartialFailureError:
        return PartialFailureError(
            provider_pb2.ErrorResourceInitFailed(
                id=id_,
                properties=self._to_struct(urn, error.outs),
                inputs=self._to_struct(urn, inputs),
                reasons=[str(error)],
            )
        )


def _announced_create(provider: Provider, props: dict[str, Any]) -> CreateResult:
    provider.announce_create(props)
    return provider.create(props)


def _incomplete(
    provider: Provider, id_: str, outs: dict[str, Any], error: Exception
) -> IncompleteResourceError:
    """Convert any error of an operation whose resource exists."""
    if isinstance(error, IncompleteResourceError):
        return error
    if not isinstance(error, OpenAIFTError):
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return IncompleteResourceError(provider.unfinished_message(id_, outs, error), outs)


def _known_type(urn: str) -> str:
    name = type_of(urn).removeprefix(TYPE_PREFIX)
    if name not in MODULES:
        raise InputError(
            f"resource {name_of(urn)!r}: unknown type {type_of(urn)!r}: this version of pulumi-openai-ft has "
            f"{', '.join(MODULES)}: check the type, or upgrade the package"
        )
    return name


def _is_readable(state: dict[str, Any]) -> bool:
    return bool(state.get(STATE_FORMAT_KEY, STATE_FORMAT) == STATE_FORMAT)


def _state(urn: str, struct: Any) -> dict[str, Any]:
    state = from_struct(struct)
    if not _is_readable(state):
        raise InputError(
            f"resource {name_of(urn)!r}: its state was written by a newer version of pulumi-openai-ft than the "
            f"installed version: upgrade the package"
        )
    return state


@cache
def provider_class(name: str) -> Any:
    """Return the class that implements a resource type."""
    with loading():
        return getattr(LazyModule(f"_provider.{MODULES[name]}"), f"{name}Provider")


@cache
def _pickled(name: str) -> str:
    """Return the value that the program's resource has for `__provider`."""
    pickled: str = serialize_provider(getattr(LazyModule(MODULES[name]), f"{name}Provider")())
    return pickled
