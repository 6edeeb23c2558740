"""What lies between uvicorn and the routes: who may knock, the journal, headers, faults, dropped connections."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from email.utils import formatdate
from threading import Event
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from pulumi_openai_ft.emulator.errors import ApiError
from pulumi_openai_ft.emulator.fault_actions import FaultedRequest, apply_fault
from pulumi_openai_ft.emulator.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pulumi_openai_ft.emulator.backend import Backend

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
GRACE_SECONDS = 1.0
REQUESTS_PER_MINUTE = 1000
"""Limit in the rate limit headers; the emulator does not enforce it. Source: docs/openai-api.md#rate-limits."""


class DroppableProtocol(H11Protocol):
    """HTTP over a connection that the application may close without an answer."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {"emulator.drop": self.transport.close}
            await inner(scope, receive, send)

        self.app = app


class StoppableServer(uvicorn.Server):
    """A server for a thread of its own, that says when it accepts requests and stops at once when told.

    `ended` is set when it is told, for all that would otherwise keep it waiting.
    """

    def __init__(self, config: uvicorn.Config, ended: asyncio.Event) -> None:
        super().__init__(config)
        self.accepting = Event()
        self._ended = ended
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Opens for requests."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.accepting.set()

    async def main_loop(self) -> None:
        """Serves until told to stop."""
        await self._ended.wait()

    async def shutdown(self, sockets: Any = None) -> None:  # noqa: ARG002  # uvicorn's signature
        """Closes for requests and lets those under way end, for a moment; uvicorn's own always sleeps first."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110  # sets, not events
                    await asyncio.sleep(0.002)

    def stop(self) -> None:
        """Tells the server to stop; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)


class LoopbackGuard:
    """Lets in only requests that were sent to this machine by name, so that no web page can reach the emulator."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.lower() in LOOPBACK:
            await self._app(scope, receive, send)
            return
        refusal = ApiError(403, f"The emulator answers on this machine's own names only, not as '{host}'.")
        await JSONResponse(refusal.body(), refusal.status)(scope, receive, send)


class RequestLogMiddleware:
    """Writes the journal and adds the headers that every answer of the API has."""

    def __init__(self, app: ASGIApp, backend: Backend, route_of: Callable[[str, str], str | None]) -> None:
        self._app = app
        self._backend = backend
        self._route_of = route_of
        self._lately: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves ASGI."""
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
        self._lately.append(now)
        while self._lately[0] < now - 60:
            self._lately.popleft()
        return len(self._lately)


class FaultMiddleware:
    """Lets faults strike the API's requests."""

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self._app = app
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves ASGI."""
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
