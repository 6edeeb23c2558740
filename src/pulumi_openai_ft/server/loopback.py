"""A check of the Host header, so that no web page can reach a server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from pulumi_openai_ft.server.errors import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


class LoopbackGuard:
    """A check that requests were sent to a loopback host name, so that no web page can reach the server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.lower() in LOOPBACK:
            await self._app(scope, receive, send)
            return
        refusal = ApiError(403, f"This server only accepts requests to loopback host names, not to '{host}'.")
        await JSONResponse(refusal.body(), refusal.status)(scope, receive, send)
