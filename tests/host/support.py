"""The engine's side of a provider host: start a host, call it, and record its log messages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, Self, cast

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft.host._servicer import Servicer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Future

    from pulumi.dynamic import ResourceProvider

ROOT = Path(__file__).parents[2]
TYPE_PREFIX = "pulumi-python:dynamic/openai_ft:"
THIRD_PARTY_TYPE = "pulumi-python:dynamic:Resource"
FILE, JOB, PERMISSION = "File", "FineTuningJob", "FineTuningCheckpointPermission"
MODEL = "gpt-4o-mini-2024-07-18"
IDENTITY = {"__identity": "organization::dev::shop::FineTuningJob::support"}
"""The identity of the requesting resource, which a job's constructor adds."""
UNKNOWN = rpc.UNKNOWN
LONGEST_WAIT = 20.0
"""Seconds after which an expected event counts as missing."""
MANY = 256
"""Number of concurrent calls of this engine."""


def urn(kind: str, name: str = "support", *, parents: str = "") -> str:
    """Return the URN of a resource; the name of a resource class selects its type."""
    token = kind if ":" in kind else TYPE_PREFIX + kind
    return f"urn:pulumi:dev::shop::{parents}{token}::{name}"


def struct(properties: Mapping[str, Any] | None) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(dict(properties or {}))
    return made


def to_dict(given: struct_pb2.Struct) -> dict[str, Any]:
    """Return properties without the provider. Whole numbers are ints."""
    found: dict[str, Any] = json_format.MessageToDict(given)
    found.pop("__provider", None)
    return found


def pickled(provider: ResourceProvider) -> dict[str, str]:
    """Return the property with which a program adds this provider to a resource."""
    return {"__provider": serialize_provider(provider)}


@dataclass(frozen=True)
class Failed:
    """The error of a failed call, and the state that the engine records in spite of it."""

    reason: str
    left: provider_pb2.ErrorResourceInitFailed | None


def failed(error: grpc.RpcError) -> Failed:
    call = cast("grpc.Call", error)
    metadata = dict(call.trailing_metadata() or ())
    reason = call.details() or ""
    assert call.code() == grpc.StatusCode.UNKNOWN, f"{call.code()}: {reason}"
    if "grpc-status-details-bin" not in metadata:
        return Failed(reason, None)
    status = status_pb2.Status.FromString(cast("bytes", metadata["grpc-status-details-bin"]))
    assert (status.code, status.message) == (grpc.StatusCode.UNKNOWN.value[0], reason)
    (detail,) = status.details
    left = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(left)
    return Failed(reason, left)


@dataclass
class Engine(engine_pb2_grpc.EngineServicer):
    """The part of the engine that hosts call."""

    logs: list[engine_pb2.LogRequest] = field(default_factory=list)
    address: str = ""
    _changed: Condition = field(default_factory=Condition)

    @contextmanager
    def serving(self) -> Iterator[Self]:
        server = grpc.server(ThreadPoolExecutor(8))
        engine_pb2_grpc.add_EngineServicer_to_server(self, server)
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield self
        server.stop(0).wait()

    def Log(self, request: engine_pb2.LogRequest, _context: Any) -> empty_pb2.Empty:  # noqa: N802 - gRPC's name
        with self._changed:
            self.logs.append(request)
            self._changed.notify_all()
        return empty_pb2.Empty()

    def await_log(self, text: str, urn: str | None = None) -> engine_pb2.LogRequest:
        """Wait for a message that contains the text, optionally of a single resource, and return the first."""

        def found() -> engine_pb2.LogRequest | None:
            return next((log for log in self.logs if text in log.message and urn in (None, log.urn)), None)

        with self._changed:
            log = self._changed.wait_for(found, timeout=LONGEST_WAIT)
        assert log, f"{text!r} was not among {[log.message for log in self.logs]}"
        return log

    def messages_of(self, name: str) -> list[str]:
        """Return the messages of a resource that stay in the diagnostics."""
        return [log.message for log in self.logs if not log.ephemeral and log.urn.endswith(f"::{name}")]


def _arguments(engine_address: str) -> list[str]:
    """Return the arguments of an engine that was started with `-v=9 --logtostderr`."""
    return ["--logtostderr", "-v=9", engine_address] if engine_address else []


class HostProcess:
    """A host in a separate process.

    Args:
        engine_address: Address of the host's engine; if empty, the host gets no argument.
        environment: Additional environment variables. The host does not inherit your own settings.
    """

    def __init__(self, engine_address: str = "", environment: Mapping[str, str] | None = None) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "PULUMI_"))}
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pulumi_openai_ft.host", *_arguments(engine_address)],
            cwd=ROOT,
            env={**inherited, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.first_line = self.stdout.readline().decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.process.kill()
        self.wait()
        for stream in (self.stdin, self.stdout, self._stderr):
            stream.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{int(self.first_line)}"

    @property
    def stderr(self) -> str:
        """Return its stderr so far."""
        self._stderr.seek(0)
        return self._stderr.read().decode()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> int:
        """Wait until it exits, and return its exit code."""
        return self.process.wait(LONGEST_WAIT)


@dataclass
class Host:
    """A host as its engine calls it.

    Attributes:
        stub: The methods of the protocol.
        engine: The engine, which records the host's messages.
    """

    stub: Any
    engine: Engine

    def configure(self, config: Mapping[str, str | None]) -> None:
        """Set the stack's configuration. Keys without a namespace are this package's; None removes a key."""
        given = {
            key if ":" in key else f"openai-ft:{key}": value
            for key, value in config.items()
            if value is not None
        }
        self.stub.Configure(provider_pb2.ConfigureRequest(args=struct(given), acceptSecrets=True))

    def check(
        self, kind: str, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None, name: str = "support"
    ) -> provider_pb2.CheckResponse:
        request = provider_pb2.CheckRequest(urn=urn(kind, name), olds=struct(olds), news=struct(news))
        answer: provider_pb2.CheckResponse = self.stub.Check(request)
        return answer

    def diff(
        self, kind: str, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any], name: str = "support"
    ) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(urn=urn(kind, name), id=id_, olds=struct(olds), news=struct(news))
        answer: provider_pb2.DiffResponse = self.stub.Diff(request)
        return answer

    def create(
        self, kind: str, properties: Mapping[str, Any], name: str = "support", *, preview: bool = False
    ) -> provider_pb2.CreateResponse:
        answer: provider_pb2.CreateResponse = self.stub.Create(
            _create(kind, properties, name, preview=preview)
        )
        return answer

    def creating(
        self, kind: str, properties: Mapping[str, Any], name: str = "support"
    ) -> Future[provider_pb2.CreateResponse]:
        """Start a create that runs while the test does something else."""
        call: Future[provider_pb2.CreateResponse] = self.stub.Create.future(_create(kind, properties, name))
        return call

    def update(
        self,
        kind: str,
        id_: str,
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        name: str = "support",
        *,
        preview: bool = False,
    ) -> provider_pb2.UpdateResponse:
        request = _update(kind, id_, olds, news, name, preview=preview)
        answer: provider_pb2.UpdateResponse = self.stub.Update(request)
        return answer

    def updating(
        self, kind: str, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any], name: str = "support"
    ) -> Future[provider_pb2.UpdateResponse]:
        """Start an update that runs while the test does something else."""
        request = _update(kind, id_, olds, news, name)
        call: Future[provider_pb2.UpdateResponse] = self.stub.Update.future(request)
        return call

    def read(
        self,
        kind: str,
        id_: str,
        properties: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        name: str = "support",
    ) -> provider_pb2.ReadResponse:
        request = provider_pb2.ReadRequest(
            urn=urn(kind, name), id=id_, properties=struct(properties), inputs=struct(inputs)
        )
        answer: provider_pb2.ReadResponse = self.stub.Read(request)
        return answer

    def delete(self, kind: str, id_: str, properties: Mapping[str, Any], name: str = "support") -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(urn=urn(kind, name), id=id_, properties=struct(properties))
        )

    def cancel(self) -> None:
        self.stub.Cancel(empty_pb2.Empty())


def _create(
    kind: str, properties: Mapping[str, Any], name: str, *, preview: bool = False
) -> provider_pb2.CreateRequest:
    return provider_pb2.CreateRequest(urn=urn(kind, name), properties=struct(properties), preview=preview)


def _update(
    kind: str,
    id_: str,
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    name: str,
    *,
    preview: bool = False,
) -> provider_pb2.UpdateRequest:
    return provider_pb2.UpdateRequest(
        urn=urn(kind, name), id=id_, olds=struct(olds), news=struct(news), preview=preview
    )


@contextmanager
def served(engine: Engine) -> Iterator[str]:
    """Start a host in this process, and yield its address."""
    server = grpc.server(ThreadPoolExecutor(MANY), options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(engine.address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


@contextmanager
def connected(address: str, engine: Engine) -> Iterator[Host]:
    """Connect to the host at an address."""
    with grpc.insecure_channel(address, _GRPC_CHANNEL_OPTIONS) as channel:
        yield Host(provider_pb2_grpc.ResourceProviderStub(channel), engine)


def refusal(call: Callable[..., Any], *arguments: Any, **more: Any) -> Failed:
    """Make a call that must fail, and return its error."""
    try:
        given = call(*arguments, **more)
    except grpc.RpcError as error:
        return failed(error)
    raise AssertionError(f"it did not fail: {given}")


def configuration(base_url: str, **changes: str | None) -> dict[str, str | None]:
    """Return a stack's configuration for a service."""
    return {
        "apiKey": API_KEY,
        "adminKey": ADMIN_KEY,
        "baseUrl": base_url,
        "pollInterval": "0.01",
        **changes,
    }


def upload(host: Host, path: Path) -> str:
    """Upload a file, and return its id."""
    return host.create(FILE, {"file": str(path)}, "data").id


def eventually(happened: Callable[[], Any]) -> None:
    """Wait until a condition of the service's objects is true; the service does not notify about changes."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)
