"""The host of this package, called like by the engine, but without an engine."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from benchmarks import processes, stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

URN = "urn:pulumi:benchmark::waiting::pulumi-python:dynamic/openai_ft:"
LONGEST_CALL = 120.0
"""Timeout of a call in seconds."""


class _Engine(engine_pb2_grpc.EngineServicer):
    """Engine service that ignores the log messages of the host."""

    def Log(self, _request: Any, _context: Any) -> empty_pb2.Empty:  # noqa: N802 - gRPC's name
        return empty_pb2.Empty()


@dataclass(frozen=True)
class OwnHost:
    """A running host.

    Attributes:
        stub: Client of the host.
        pid: Process ID of the host.
    """

    stub: provider_pb2_grpc.ResourceProviderStub
    pid: int

    @classmethod
    @contextmanager
    def configured(cls, folder: Path, config: Mapping[str, str]) -> Iterator[OwnHost]:
        """Start a host in a folder, and configure it with values by full key."""
        command = [sys.executable, "-u", "-m", "pulumi_openai_ft.host"]
        with (
            _engine() as address,
            processes.serving([*command, address], cwd=folder, env=stack.environment(folder)) as host,
            grpc.insecure_channel(f"127.0.0.1:{host.first_line}") as channel,
        ):
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Configure(provider_pb2.ConfigureRequest(args=_struct(config)), timeout=LONGEST_CALL)
            yield cls(stub, host.pid)

    def creating(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Any:
        """Start to create a resource, and return a future whose result has the ID."""
        request = provider_pb2.CreateRequest(urn=f"{URN}{kind}::{name}", properties=_struct(inputs))
        return self.stub.Create.future(request, timeout=LONGEST_CALL)


@contextmanager
def _engine() -> Iterator[str]:
    """Run an engine service, and yield its address."""
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def _struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(dict(properties))
    return struct
