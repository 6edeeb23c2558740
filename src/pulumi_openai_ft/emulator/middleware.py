"""Middleware between uvicorn and the routes: journal, headers, faults and dropped connections."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from email.utils import formatdate
from threading import Event
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.datastructures import MutableHeaders
from uvicorn.protocols.http.h11_impl import H11Protocol

from pulumi_openai_ft.emulator.fault_actions import FaultedRequest, apply_fault
from pulumi_openai_ft.server.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pulumi_openai_ft.emulator.backend import EmulatorBackend

GRACE_SECONDS = 1.0
REQUESTS_PER_MINUTE = 1000
"""Limit in the rate limit headers; the emulator does not enforce it. Source: docs/openai-api.md#rate-limits."""


class DroppableProtocol(H11Protocol):
    """An HTTP protocol whose connections the application can close without a response."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {"emulator.drop": self.transport.close}
            await inner(scope, receive, send)

        self.app = app


class StoppableServer(uvicorn.Server):
    """A server that runs in a thread, signals when it accepts requests, and stops immediately on `stop()`.

    Args:
        config: Configuration of uvicorn.
        ended: Event to set on `stop()`, so that waiting requests end.
    """

    def __init__(self, config: uvicorn.Config, ended: asyncio.Event) -> None:
        super().__init__(config)
        self.accepting: Event = Event()
        self._ended = ended
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Start to accept requests."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.accepting.set()

    async def main_loop(self) -> None:
        """Serve until `stop()`."""
        await self._ended.wait()

    async def shutdown(self, sockets: Any = None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Close the server and give running requests `GRACE_SECONDS` to finish.

        Unlike uvicorn's own method, do not sleep first.
        """
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110  # sets, not events
                    await asyncio.sleep(0.002)

    def stop(self) -> None:
        """Stop the server. Call this from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)


class RequestLogMiddleware:
    """The middleware that writes the journal and adds the headers of every API response."""

    def __init__(
        self, app: ASGIApp, backend: EmulatorBackend, route_of: Callable[[str, str], str | None]
    ) -> None:
        self._app = app
        self._backend = backend
        self._route_of = route_of
        self._recent: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI request."""
        if not _is_api(scope):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        journal = self._backend.journal
        query = scope["query_string"].decode("latin-1")
        now = self._backend.clock.now()
        entry = journal.open(now, scope["method"], scope["path"], query, new_id("req_"))
        entry.route = self._route_of(entry.method, entry.path)
        journal.count(entry)
        scope["extensions"]["emulator.entry"] = entry

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
                entry.seconds = time.perf_counter() - started
                self._add_headers(MutableHeaders(scope=message), entry.request_id, entry.seconds, now)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add_headers(self, headers: MutableHeaders, request_id: str, seconds: float, now: float) -> None:
        headers.setdefault("date", formatdate(now, usegmt=True))
        headers.setdefault("x-request-id", request_id)
        headers.setdefault("openai-version", "2020-10-01")
        headers.setdefault("openai-organization", self._backend.settings.organization)
        headers.setdefault("openai-processing-ms", str(round(seconds * 1000)))
        used = self._count_request()
        headers.setdefault("x-ratelimit-limit-requests", str(REQUESTS_PER_MINUTE))
        headers.setdefault("x-ratelimit-remaining-requests", str(max(0, REQUESTS_PER_MINUTE - used)))
        headers.setdefault("x-ratelimit-reset-requests", f"{round(60000 / REQUESTS_PER_MINUTE * used)}ms")

    def _count_request(self) -> int:
        now = time.monotonic()
        self._recent.append(now)
        while self._recent[0] < now - 60:
            self._recent.popleft()
        return len(self._recent)


class FaultMiddleware:
    """The middleware that applies faults to API requests."""

    def __init__(self, app: ASGIApp, backend: EmulatorBackend) -> None:
        self._app = app
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI request."""
        fault = None
        if _is_api(scope):
            fault = self._backend.faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope["extensions"]["emulator.entry"].fault = fault.action
        await apply_fault(FaultedRequest(self._app, fault, self._backend.faults, scope, receive, send))


def _is_api(scope: Scope) -> bool:
    return scope["type"] == "http" and not scope["path"].startswith("/_emulator")
