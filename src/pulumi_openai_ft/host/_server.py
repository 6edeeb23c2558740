"""The process: its port, its end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from pulumi_openai_ft._shared.engine_liveness import find_engine_address, is_listening
from pulumi_openai_ft.host._servicer import Servicer

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_CALLS = 4096
"""More than an engine has under way at a time; a thread is started only when a call needs it."""
STDIN = 0
BETWEEN_LOOKS = 1.0
"""Seconds between two looks at an engine that is there although our stdin has ended."""
SHUTDOWN_GRACE = 2.0
"""Seconds that calls get to end in when the process is asked to end. The engine kills it after 5."""


def serve(arguments: Sequence[str]) -> None:
    """Serves an engine until it interrupts this process, or goes.

    Args:
        arguments: Arguments of this process, the engine's address among them if there is one.
    """
    engine_address = find_engine_address(arguments)
    servicer = Servicer(engine_address)
    server = grpc.server(ThreadPoolExecutor(MOST_CALLS), options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    if engine_address:
        Thread(target=_exit_with_engine, args=(engine_address,), daemon=True).start()
    ended.wait()
    servicer.interrupt()
    server.stop(SHUTDOWN_GRACE).wait()
    _end()


def _exit_with_engine(engine_address: str) -> None:
    """Ends this process when the engine is gone: nobody would record what it still did.

    The engine holds the other end of our stdin, which closes with it, even when it is killed, though perhaps before
    its port does.
    """
    with suppress(OSError):  # no stdin at all
        while os.read(STDIN, 1):
            pass
    while is_listening(engine_address):
        time.sleep(BETWEEN_LOOKS)
    _end()


def _end() -> None:
    """Ends without waiting for threads that hang in a request, though not without what providers do at exit."""
    at_exit = Thread(target=atexit._run_exitfuncs, daemon=True)  # noqa: SLF001 - an ordinary exit joins all threads
    at_exit.start()
    at_exit.join(SHUTDOWN_GRACE)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
