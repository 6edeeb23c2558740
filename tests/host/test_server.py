from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc
from tests.host.support import LONGEST_WAIT, ROOT, HostProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 0.9
ENGINE = """
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", 0))
address = f"127.0.0.1:{listener.getsockname()[1]}"
host = subprocess.Popen(
    [sys.executable, "-u", "-m", "pulumi_openai_ft.host", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
print(host.pid, host.stdout.readline().decode(), end="", flush=True)
host.wait()
"""
"""A process that listens, keeps the host's stdin open, and shares the host's stderr."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Open a port like an engine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LONGEST_WAIT)
        yield listening


@pytest.fixture
def own(listener: socket.socket) -> Iterator[HostProcess]:
    """Start a host of that engine."""
    with HostProcess(f"127.0.0.1:{listener.getsockname()[1]}") as process:
        yield process


def answers(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        found = provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(empty_pb2.Empty())
        return bool(found.version)


def processor_ticks(pid: int) -> int:
    """Return the processor time of a process, in ticks of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_its_port_is_its_first_line(process: HostProcess) -> None:
    assert process.first_line == f"{int(process.first_line)}\n"
    assert answers(process.address)


def test_it_serves_without_an_engine() -> None:
    with HostProcess() as process:
        assert answers(process.address)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_idle_host_ends_at_once_on_a_signal(own: HostProcess, number: int) -> None:
    announced_at = time.monotonic()
    own.process.send_signal(number)

    assert own.wait() == 0
    assert time.monotonic() - announced_at < AT_ONCE
    assert own.stdout.read() == b""
    assert own.stderr == ""


def test_it_ends_when_its_engine_is_killed() -> None:
    """When the engine is killed, both ends of its pipe close."""
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as engine:
        assert engine.stdout
        host, port = map(int, engine.stdout.readline().split())
        try:
            assert answers(f"127.0.0.1:{port}")

            engine.kill()

            assert engine.communicate(timeout=LONGEST_WAIT)[1] == b""
        finally:
            with suppress(ProcessLookupError):
                os.kill(host, signal.SIGKILL)


def test_it_outlives_its_stdin_while_the_engine_listens(own: HostProcess, listener: socket.socket) -> None:
    own.stdin.close()
    connection, _ = listener.accept()
    connection.close()

    assert answers(own.address)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs Linux")  # noqa: PTH110 - resembles the shell command
def test_an_idle_host_uses_no_processor(own: HostProcess) -> None:
    assert answers(own.address)
    before = processor_ticks(own.process.pid)

    time.sleep(2)

    assert processor_ticks(own.process.pid) - before <= 1
