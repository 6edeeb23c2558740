"""The host process: starts the gRPC server, and ends with the engine."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from pulumi_openai_ft._shared.engine_liveness import find_engine_address, is_listening
from pulumi_openai_ft.host._servicer import Servicer

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_CALLS = 4096
"""Maximum number of parallel calls, more than an engine sends. A thread starts only when a call needs it."""
STDIN = 0
POLL_INTERVAL = 1.0
"""Seconds between two checks whether the engine is still running after stdin was closed."""
SHUTDOWN_GRACE = 2.0
"""Seconds for calls to finish when the process is interrupted. The engine kills the process after 5 seconds."""


def serve(arguments: Sequence[str]) -> None:
    """Serve an engine until it interrupts this process or exits.

    Args:
        arguments: Command-line arguments of this process, which include the engine's address if an engine started it.
    """
    engine_address = find_engine_address(arguments)
    servicer = Servicer(engine_address)
    server = grpc.server(ThreadPoolExecutor(MAX_CALLS), options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    # No Event: a handler that sets it hangs if it interrupts the thread that waits for it and has its lock.
    ended: SimpleQueue[None] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.put(None))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    if engine_address:
        Thread(target=_exit_with_engine, args=(engine_address,), daemon=True).start()
    ended.get()
    servicer.interrupt()
    server.stop(SHUTDOWN_GRACE).wait()
    _end()


def _exit_with_engine(engine_address: str) -> None:
    """End this process after the engine exits, because no further results would be recorded.

    The engine owns the other end of stdin, which closes when the engine exits or is killed, though possibly before its
    port closes.
    """
    with suppress(OSError):  # the process has no stdin
        while os.read(STDIN, 1):
            pass
    while is_listening(engine_address):
        time.sleep(POLL_INTERVAL)
    _end()


def _end() -> None:
    """Exit after the `atexit` functions of providers, without waiting for threads that are blocked in requests."""
    at_exit = Thread(target=atexit._run_exitfuncs, daemon=True)  # noqa: SLF001 - a regular exit joins all threads
    at_exit.start()
    at_exit.join(SHUTDOWN_GRACE)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
