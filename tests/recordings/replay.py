"""Serve recorded responses over HTTP, and read each with the client's method for its request."""

from __future__ import annotations

import io
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable

    from tools.record.recording import Exchange, Response

    from pulumi_openai_ft._client.client import Client

    Read = Callable[[Client, dict[str, str], Exchange], Any]


class Replay:
    """A server on 127.0.0.1 that returns its current `response` to every request."""

    def __init__(self) -> None:
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                replay.requests.append((self.command, unquote(self.path.partition("?")[0])))
                content = content_of(replay.response)
                self.send_response_only(replay.response.status)
                for name, value in replay.response.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do  # noqa: N815  # names of the base class

        self.response: Response
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"


def content_of(response: Response) -> bytes:
    if response.text is not None:
        return response.text.encode()
    return json.dumps(response.body).encode()


def _size(exchange: Exchange) -> int:
    """The number of recorded elements: with it as the limit, the client requests no other page."""
    body = exchange.response.body
    data = body.get("data") if isinstance(body, dict) else None
    return max(1, len(data or []))


READS: list[tuple[str, Read]] = [
    (
        r"POST /files",
        lambda client, _, exchange: client.upload_file(
            exchange.request.body["file"]["filename"] or "text", io.BytesIO(b"{}\n"), purpose="fine-tune"
        ),
    ),
    (r"GET /files", lambda client, _, exchange: list(client.files(limit=_size(exchange)))),
    (r"GET /files/(?P<id>[^/]+)", lambda client, found, _: client.file(found["id"])),
    (r"DELETE /files/(?P<id>[^/]+)", lambda client, found, _: client.delete_file(found["id"])),
    (r"GET /files/(?P<id>[^/]+)/content", lambda client, found, _: client.content(found["id"], b"".join)),
    (r"POST /fine_tuning/jobs", lambda client, _, exchange: client.create_job(exchange.request.body)),
    (r"GET /fine_tuning/jobs", lambda client, _, exchange: list(client.jobs(limit=_size(exchange)))),
    (r"GET /fine_tuning/jobs/(?P<id>[^/]+)", lambda client, found, _: client.job(found["id"])),
    (r"POST /fine_tuning/jobs/(?P<id>[^/]+)/cancel", lambda client, found, _: client.cancel_job(found["id"])),
    (r"POST /fine_tuning/jobs/(?P<id>[^/]+)/pause", lambda client, found, _: client.pause_job(found["id"])),
    (r"POST /fine_tuning/jobs/(?P<id>[^/]+)/resume", lambda client, found, _: client.resume_job(found["id"])),
    (
        r"GET /fine_tuning/jobs/(?P<id>[^/]+)/events",
        lambda client, found, exchange: list(client.events(found["id"], limit=_size(exchange))),
    ),
    (
        r"GET /fine_tuning/jobs/(?P<id>[^/]+)/checkpoints",
        lambda client, found, exchange: list(client.checkpoints(found["id"], limit=_size(exchange))),
    ),
    (
        r"GET /fine_tuning/checkpoints/(?P<name>[^/]+)/permissions",
        lambda client, found, exchange: list(client.permissions(found["name"], limit=_size(exchange))),
    ),
    (
        r"POST /fine_tuning/checkpoints/(?P<name>[^/]+)/permissions",
        lambda client, found, exchange: client.grant_permissions(
            found["name"], exchange.request.body["project_ids"]
        ),
    ),
    (
        r"DELETE /fine_tuning/checkpoints/(?P<name>[^/]+)/permissions/(?P<id>[^/]+)",
        lambda client, found, _: client.revoke_permission(found["name"], found["id"]),
    ),
    (r"GET /models", lambda client, _client, _exchange: list(client.models())),
    (r"GET /models/(?P<id>[^/]+)", lambda client, found, _: client.model(found["id"])),
    (r"DELETE /models/(?P<id>[^/]+)", lambda client, found, _: client.delete_model(found["id"])),
]
UNREAD = (r"DELETE /fine_tuning/jobs/.+", r"POST /fine_tuning/alpha/graders/.+", r"GET /no_such_path")
"""Requests that the client never sends."""


def reader_of(exchange: Exchange) -> Callable[[Client], Any] | None:
    """Return the function that reads an exchange, or None if the client never sends such a request.

    Raises:
        LookupError: The request is unknown.
    """
    line = f"{exchange.request.method} {exchange.request.path}"
    for pattern, read in READS:
        if match := re.fullmatch(pattern, line):
            found = match.groupdict()
            return lambda client: read(client, found, exchange)
    if any(re.fullmatch(pattern, line) for pattern in UNREAD):
        return None
    raise LookupError(f"no method of the client for {line}: add it to READS or UNREAD")
