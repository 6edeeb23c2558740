"""Connection pools and multipart bodies. This is the only module that uses httpx."""

from __future__ import annotations

import os
import re
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, LifoQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from pulumi_openai_ft._client.error_mapping import Response
from pulumi_openai_ft._client.proxies import invalid_proxy_variable, proxy_description
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_openai_ft._client.error_mapping import RequestContext
    from pulumi_openai_ft.errors import ServiceConnectionError

Transport = httpx.BaseTransport
CONNECT_TIMEOUT = 5.0
MAX_CONNECTIONS = 64
"""Maximum number of connections to a service, enough for a high `pulumi up --parallel`."""
BLOCK_SIZE = 1 << 19
"""Bytes of a file per write. Larger blocks exceed the socket's buffer and would be copied."""
_CONTENT_RANGE = re.compile(r"\s*bytes (\d+)-", re.IGNORECASE)
IDLE_TIMEOUT = 4.0
"""Seconds after which an unused connection is closed.

Common servers close connections after 5 seconds. If a server closes a connection during a POST, the client cannot know
whether the POST took effect.
"""


class Content(Protocol):
    """The part of a binary file's interface that uploads need."""

    def read(self, size: int = ..., /) -> bytes:
        """Read the next bytes, or `b""` at the end."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Move to a position and return it, in bytes from the start."""


@dataclass(frozen=True)
class Form:
    """A multipart form that streams a file as its last field, in larger blocks than httpx.

    Attributes:
        name: Name of the file's field.
        filename: Name of the file.
        content: The file. Each time the form is sent, the file is read from the start.
        fields: Fields before the file.
    """

    name: str
    filename: str
    content: Content
    fields: Mapping[str, str] = field(default_factory=dict)

    def message(self) -> dict[str, Any]:
        """Return the body and headers as keyword arguments for httpx."""
        empty = httpx.Request(
            "POST", "http://form", data=dict(self.fields), files={self.name: (self.filename, b"")}
        )
        kind, body = empty.headers["content-type"], empty.read()
        end = len("\r\n----\r\n") + len(kind.rpartition("boundary=")[2])
        length = len(body) + self.content.seek(0, os.SEEK_END)
        content = _Streamed(body[:-end], self.content, body[-end:])
        return {"content": content, "headers": {"content-type": kind, "content-length": str(length)}}


@dataclass(frozen=True)
class _Streamed:
    head: bytes
    content: Content
    tail: bytes

    def __iter__(self) -> Iterator[bytes]:
        yield self.head
        self.content.seek(0)
        while block := self.content.read(BLOCK_SIZE):
            yield block
        yield self.tail


@dataclass(frozen=True)
class PoolKey:
    """The key of a connection pool. The headers contain the API key."""

    base_url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    transport: Transport | None


class ConnectionPool:
    """A pool of connections to a service. Each serves a single request at a time; the last used is reused first.

    Each connection is a separate `httpx.Client`: with `MAX_CONNECTIONS` connections in a single client, httpx would
    spend more time searching for a free connection than on the request.
    """

    def __init__(self, address: PoolKey) -> None:
        self.address, self.users = address, 0
        self._opened: list[httpx.Client] = []
        self._free: LifoQueue[httpx.Client | None] = LifoQueue()
        for _ in range(MAX_CONNECTIONS):
            self._free.put(None)

    def send(
        self,
        context: RequestContext,
        message: dict[str, Any],
        consume: Callable[[int, Iterator[bytes]], object] | None = None,
    ) -> Response:
        """Send a request once and return the response with any status.

        Args:
            context: Method, path and settings of the request.
            message: Query and body, as keyword arguments for httpx.
            consume: Receives the position and the chunks of a 2xx response's body; by default the body is in
                `Response.content`.

        Raises:
            ServiceConnectionError: No response arrived.
        """
        seconds = context.settings.timeout
        limit = httpx.Timeout(seconds, connect=min(CONNECT_TIMEOUT, seconds))
        try:
            with (
                self._connection(seconds) as client,
                client.stream(context.method, context.path, timeout=limit, **message) as response,
            ):
                return Response(response.status_code, response.headers, _body(response, consume))
        except httpx.HTTPError as error:
            raise _connection_error(context, error, limit) from error

    @contextmanager
    def _connection(self, seconds: float) -> Iterator[httpx.Client]:
        """Lend a free or new connection. Raise `httpx.PoolTimeout` if none becomes free in time."""
        try:
            client = self._free.get(timeout=seconds)
        except Empty:
            raise httpx.PoolTimeout("all connections are in use") from None
        try:
            client = client or self._open_connection()
            yield client
        finally:
            self._free.put(client)

    def close(self) -> None:
        """Close all connections."""
        for client in self._opened:
            client.close()

    def _open_connection(self) -> httpx.Client:
        address = self.address
        try:
            client = httpx.Client(
                base_url=address.base_url,
                headers=dict(address.headers),
                verify=self._certificates,
                limits=httpx.Limits(
                    max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_TIMEOUT
                ),
                transport=address.transport,
            )
        except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
            reason = invalid_proxy_variable(_fault_of_proxy, _fault_of_pattern) or (
                "check openai-ft:baseUrl and the environment variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and "
                "SSL_CERT_FILE"
            )
            raise SettingsError(f"cannot open a connection to {address.base_url}: {reason}") from error
        self._opened.append(client)
        return client

    @locked_cached_property
    def _certificates(self) -> ssl.SSLContext:
        """Return the SSL context that verifies servers. For plain HTTP, do not load certificates, which takes 60 ms."""
        return httpx.create_ssl_context(verify=not self.address.base_url.lower().startswith("http:"))


def _fault_of_proxy(url: str) -> str | None:
    try:
        httpx.HTTPTransport(proxy=url, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)).close()
    except (httpx.InvalidURL, ImportError, ValueError) as error:
        return str(error)
    return None


def _fault_of_pattern(pattern: str) -> str | None:
    try:
        httpx.URL(pattern)
    except httpx.InvalidURL as error:
        return str(error)
    return None


def _body(response: httpx.Response, consume: Callable[[int, Iterator[bytes]], object] | None) -> bytes:
    if consume and response.is_success:
        consume(_position(response), response.iter_bytes())
        return b""
    return response.read()


def _position(response: httpx.Response) -> int:
    """Return the position of the first byte of the body: 0, unless the response is a part of the content."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    found = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
    if found is None:
        raise httpx.RemoteProtocolError("the response is a part of the content without a position")
    return int(found[1])


_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Errors that occur before the first byte of a request is sent."""


def _connection_error(
    context: RequestContext, error: httpx.HTTPError, limit: httpx.Timeout
) -> ServiceConnectionError:
    reasons: dict[type[httpx.HTTPError], str] = {
        httpx.ConnectTimeout: f"connecting took more than {limit.connect:g} s",
        httpx.PoolTimeout: f"no connection became available in {limit.pool:g} s",
        httpx.ReadTimeout: f"no data received for {limit.read:g} s, see openai-ft:timeout",
        httpx.WriteTimeout: f"no data could be sent for {limit.write:g} s, see openai-ft:timeout",
    }
    reason = reasons.get(type(error)) or str(error) or type(error).__name__
    proxy = proxy_description(context.settings.base_url) if isinstance(error, _UNSENT) else None
    return context.connection_error(
        f"{reason}; through {proxy}" if proxy else reason,
        timed_out=isinstance(error, httpx.TimeoutException),
        may_have_acted=not isinstance(error, _UNSENT),
    )


@dataclass(slots=True)
class _Shared:
    """The connection pools of this process. Releasing a pool for the last time closes it."""

    _lock: Lock = field(default_factory=Lock)
    _open: dict[PoolKey, ConnectionPool] = field(default_factory=dict)

    def take(self, address: PoolKey) -> ConnectionPool:
        """Return the pool for an address and count a user."""
        with self._lock:
            connections = self._open.setdefault(address, ConnectionPool(address))
            connections.users += 1
            return connections

    def release(self, connections: ConnectionPool) -> None:
        """Release a pool that `take` returned."""
        with self._lock:
            connections.users -= 1
            if not connections.users:
                self._open.pop(connections.address).close()


shared = _Shared()
