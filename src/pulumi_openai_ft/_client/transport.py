"""Connections, and what goes over them. The only module that knows httpx."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, LifoQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from pulumi_openai_ft._client.error_mapping import Response
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_openai_ft._client.error_mapping import RequestContext
    from pulumi_openai_ft.errors import ServiceConnectionError

Transport = httpx.BaseTransport
CONNECT_TIMEOUT = 5.0
PARALLEL = 64
"""As many operations as the engine runs at a time in our host when it is asked for many."""
BLOCK = 1 << 19
"""Bytes of a file that are sent at once: more would be copied where they do not fit into the socket's buffer."""
IDLE = 4.0
"""Seconds after which an unused connection is closed: common servers do it after 5, and a POST that meets a closing
connection cannot be told from one that acted."""


class Content(Protocol):
    """A binary file, as far as it takes to send it."""

    def read(self, size: int = ..., /) -> bytes:
        """The next bytes, none at the end."""

    def seek(self, offset: int, whence: int = ..., /) -> int:
        """Goes elsewhere, and tells where that is."""


@dataclass(frozen=True)
class Form:
    """A form whose last field is a file, which is streamed, in larger blocks than httpx would send.

    Attributes:
        name: Of the file's field.
        filename: Of the file.
        content: The file. It is read from its beginning each time that the form is sent.
        fields: What comes before it.
    """

    name: str
    filename: str
    content: Content
    fields: Mapping[str, str] = field(default_factory=dict)

    def message(self) -> dict[str, Any]:
        """As httpx takes it."""
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
        while block := self.content.read(BLOCK):
            yield block
        yield self.tail


@dataclass(frozen=True)
class PoolKey:
    """What tells clients apart. The headers hold the key."""

    base_url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    transport: Transport | None


class ConnectionPool:
    """The connections to one address, each lent to one request at a time, the one used last first.

    Each is a client of its own: httpx looks through all connections of a client at each request, which takes longer
    than the request itself where there are as many as `PARALLEL`.
    """

    def __init__(self, address: PoolKey) -> None:
        self.address, self.users = address, 0
        self._opened: list[httpx.Client] = []
        self._free: LifoQueue[httpx.Client | None] = LifoQueue()
        for _ in range(PARALLEL):
            self._free.put(None)

    def send(
        self,
        context: RequestContext,
        message: dict[str, Any],
        take: Callable[[Iterator[bytes]], object] | None = None,
    ) -> Response:
        """Send a request once and return the response, whatever its status.

        Args:
            context: Method, path and settings of the request.
            message: Its query and body, as httpx takes them.
            take: Receives the body of a good response in parts; by default the response holds it.

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
                return Response(response.status_code, response.headers, _body(response, take))
        except httpx.HTTPError as error:
            raise _connection_error(context, error, limit) from error

    @contextmanager
    def _connection(self, seconds: float) -> Iterator[httpx.Client]:
        """Lend a connection, opened if none is free. Raise `httpx.PoolTimeout` if all are in use for so long."""
        try:
            client = self._free.get(timeout=seconds)
        except Empty:
            raise httpx.PoolTimeout("all connections are in use") from None
        try:
            client = client or self._another()
            yield client
        finally:
            self._free.put(client)

    def close(self) -> None:
        """Closes them all."""
        for client in self._opened:
            client.close()

    def _another(self) -> httpx.Client:
        address = self.address
        try:
            client = httpx.Client(
                base_url=address.base_url,
                headers=dict(address.headers),
                verify=self._certificates,
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE),
                transport=address.transport,
            )
        except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
            raise SettingsError(
                f"no connection to {address.base_url} can be opened: check openai-ft:baseUrl, and HTTP_PROXY, "
                f"HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE in the environment"
            ) from error
        self._opened.append(client)
        return client

    @locked_cached_property
    def _certificates(self) -> ssl.SSLContext:
        """What servers are verified with. Loading it takes 60 ms, so it is left out where nothing is encrypted."""
        return httpx.create_ssl_context(verify=not self.address.base_url.lower().startswith("http:"))


def _body(response: httpx.Response, take: Callable[[Iterator[bytes]], object] | None) -> bytes:
    if take and response.is_success:
        take(response.iter_bytes())
        return b""
    return response.read()


_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Failures before the first byte of a request is sent."""


def _connection_error(
    context: RequestContext, error: httpx.HTTPError, limit: httpx.Timeout
) -> ServiceConnectionError:
    reasons: dict[type[httpx.HTTPError], str] = {
        httpx.ConnectTimeout: f"connecting took more than {limit.connect:g} s",
        httpx.PoolTimeout: f"no connection became free in {limit.pool:g} s",
        httpx.ReadTimeout: f"nothing came for {limit.read:g} s, see openai-ft:timeout",
        httpx.WriteTimeout: f"nothing could be sent for {limit.write:g} s, see openai-ft:timeout",
    }
    return context.connection_error(
        reasons.get(type(error)) or str(error) or type(error).__name__,
        timed_out=isinstance(error, httpx.TimeoutException),
        may_have_acted=not isinstance(error, _UNSENT),
    )


@dataclass(slots=True)
class _Shared:
    """The open connections of this process. Whoever gives them back last closes them."""

    _lock: Lock = field(default_factory=Lock)
    _open: dict[PoolKey, ConnectionPool] = field(default_factory=dict)

    def take(self, address: PoolKey) -> ConnectionPool:
        """The connections to an address."""
        with self._lock:
            connections = self._open.setdefault(address, ConnectionPool(address))
            connections.users += 1
            return connections

    def release(self, connections: ConnectionPool) -> None:
        """Ends what `take` began."""
        with self._lock:
            connections.users -= 1
            if not connections.users:
                self._open.pop(connections.address).close()


shared = _Shared()
