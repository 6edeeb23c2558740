"""The services that this host provides to a running provider: logging, progress, interruption."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.redaction import redacted
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft.errors import CommandInterruptedError
from pulumi_openai_ft.host._operations import Operation, Operations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi.dynamic import CreateResult


class EngineLog:
    """The engine's log, which the Pulumi CLI displays.

    Args:
        address: Address of the engine; empty without an engine.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def write(
        self,
        urn: str,
        message: str,
        *,
        severity: engine_pb2.LogSeverity.ValueType = engine_pb2.INFO,
        **options: bool,
    ) -> None:
        """Write a message to a resource's row. An ephemeral message disappears when the next message arrives."""
        with suppress(grpc.RpcError):  # the engine is shutting down
            self._engine.Log(engine_pb2.LogRequest(urn=urn, message=message, severity=severity, **options))

    @locked_cached_property
    def _engine(self) -> engine_pb2_grpc.EngineStub:
        return engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))


@dataclass(slots=True)
class EngineHost(Host):
    """The `Host` of providers that run in this process."""

    shows_progress: ClassVar[bool] = True
    previews_creates: ClassVar[bool] = True

    log: EngineLog = field(kw_only=True)
    operations: Operations = field(kw_only=True)

    def __post_init__(self) -> None:
        self.time = TimeSource(sleep=self._sleep)

    def info(self, message: str) -> None:
        """Add a message to the diagnostics of the current resource."""
        self.log.write(Operation.current().urn, redacted(message))

    def warn(self, message: str) -> None:
        """Add a warning to the diagnostics of the current resource."""
        self.log.write(Operation.current().urn, redacted(message), severity=engine_pb2.WARNING)

    def set_status(self, line: str) -> None:
        """Show a line in the row of the current resource."""
        self.log.write(Operation.current().urn, redacted(line), ephemeral=True)

    def custom_timeout(self, _operation: str, _props: Mapping[str, Any]) -> float | None:
        """Return the engine's value, which includes changes by transforms."""
        return Operation.current().timeout

    @property
    def is_interrupted(self) -> bool:
        """Return whether the user interrupted the command."""
        return self.operations.interrupted.is_set()

    def raise_if_interrupted(self) -> None:
        """Raise `CommandInterruptedError` if the user interrupted the command. Call this right before a create."""
        Operation.current().mark_creating()
        if self.is_interrupted:
            raise CommandInterruptedError("the command was interrupted before anything was created")

    def complete_create(self, created: CreateResult, rest: Callable[[], CreateResult]) -> CreateResult:
        """Run `rest` after a create.

        If it fails, the engine records the resource and the command fails with the reason.
        """
        Operation.current().mark_created(created)
        return rest()

    def _sleep(self, seconds: float) -> None:
        """Sleep, unless the user interrupts the command."""
        if self.operations.interrupted.wait(seconds):
            raise CommandInterruptedError("the command was interrupted")
