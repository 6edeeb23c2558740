"""The log of requests, and the headers that every response of the API has."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.datastructures import MutableHeaders

from pulumi_openai_ft.server.ids import new_id

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)
_READABLE = "/:"
"""Characters that the log shows as they are. Others, such as line breaks, could imitate lines of the log."""


def observe(request: Request, name: str, value: Any) -> None:
    """Remember the project of a request for the log. Bodies and keys are not logged."""
    if name == "project":
        request.scope["project"] = value


class RequestLog:
    """Middleware that logs each request with its duration and adds `x-request-id` to its response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve an ASGI request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, request_id = time.perf_counter(), new_id("req_")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                milliseconds = round((time.perf_counter() - started) * 1000)
                headers = MutableHeaders(scope=message)
                headers.setdefault("x-request-id", request_id)
                headers.setdefault("openai-processing-ms", str(milliseconds))
                place = f"{scope['method']} {quote(scope['path'], safe=_READABLE)}"
                _log.info("%s %s %s %d ms", place, message["status"], scope.get("project", "-"), milliseconds)
            await send(message)

        await self._app(scope, receive, send_with_headers)
