"""Connections, and what goes over them. The only module that knows httpx."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, LifoQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from pulumi_openai_ft._client.error_mapping import Answer
from pulumi_openai_ft._shared.locked_property import once
from pulumi_openai_ft.errors import ServiceConnectionError, SettingsError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_openai_ft._client.error_mapping import Call
    from pulumi_openai_ft._client.rate_limit import Time

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


@dataclass
class Sender:
    """A request, ready to be sent as often as it takes."""

    call: Call
    connections: Connections
    time: Time
    message: dict[str, Any]
    take: Callable[[Iterator[bytes]], object] | None = None
    """Gets the body of a good answer in parts; by default the answer holds it."""

    def send(self, deadline: float) -> Answer:
        """Sends it and gives the answer, whatever it is.

        Raises:
            ServiceConnectionError: None came before the deadline on the clock.
        """
        left = max(deadline - self.time.clock(), 0.0)
        longest = min(self.call.settings.timeout, left)
        limit = httpx.Timeout(longest, connect=min(CONNECT_TIMEOUT, left), pool=left)
        try:
            with (
                self.connections.one(left) as client,
                client.stream(self.call.method, self.call.path, timeout=limit, **self.message) as response,
            ):
                return Answer(response.status_code, response.headers, self._body(response, deadline))
        except httpx.HTTPError as error:
            raise self._no_answer(error, limit) from error

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        """What the answer is to hold of the body."""
        parts = self._parts(response, deadline)
        if self.take and response.is_success:
            self.take(parts)
            return b""
        return b"".join(parts)

    def _parts(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        """The body. One that trickles in takes no longer than the operation may."""
        for part in response.iter_bytes():
            yield part
            if self.time.clock() > deadline:
                limit = f"{self.call.settings.operation_timeout:g} s (openai-ft:operationTimeout)"
                raise self.call.unanswered(
                    f"it was not complete after {limit}", timed_out=True, may_have_acted=True
                )

    def _no_answer(self, error: httpx.HTTPError, limit: httpx.Timeout) -> ServiceConnectionError:
        unsent = (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
        )
        reasons: dict[type[httpx.HTTPError], str] = {
            httpx.ConnectTimeout: f"connecting took more than {limit.connect:g} s",
            httpx.PoolTimeout: f"no connection became free in {limit.pool:g} s",
            httpx.ReadTimeout: f"nothing came for {limit.read:g} s, see openai-ft:timeout",
            httpx.WriteTimeout: f"nothing could be sent for {limit.write:g} s, see openai-ft:timeout",
        }
        return self.call.unanswered(
            reasons.get(type(error)) or str(error) or type(error).__name__,
            timed_out=isinstance(error, httpx.TimeoutException),
            may_have_acted=not isinstance(error, unsent),
        )


@dataclass(frozen=True)
class Address:
    """What tells clients apart. The headers hold the key."""

    base_url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    transport: Transport | None


class Connections:
    """The connections to one address, each lent to one request at a time, the one used last first.

    Each is a client of its own: httpx looks through all connections of a client at each request, which takes longer
    than the request itself where there are as many as `PARALLEL`.
    """

    def __init__(self, address: Address) -> None:
        self.address, self.users = address, 0
        self._opened: list[httpx.Client] = []
        self._free: LifoQueue[httpx.Client | None] = LifoQueue()
        for _ in range(PARALLEL):
            self._free.put(None)

    @contextmanager
    def one(self, seconds: float) -> Iterator[httpx.Client]:
        """Lends a connection, opened where none is free. Raises `httpx.PoolTimeout` where all are used for so long."""
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

    @once
    def _certificates(self) -> ssl.SSLContext:
        """What servers are verified with. Loading it takes 60 ms, so it is left out where nothing is encrypted."""
        return httpx.create_ssl_context(verify=not self.address.base_url.lower().startswith("http:"))


@dataclass
class _Shared:
    """The open connections of this process. Whoever gives them back last closes them."""

    _lock: Lock = field(default_factory=Lock)
    _open: dict[Address, Connections] = field(default_factory=dict)

    def take(self, address: Address) -> Connections:
        """The connections to an address."""
        with self._lock:
            connections = self._open.setdefault(address, Connections(address))
            connections.users += 1
            return connections

    def give_back(self, connections: Connections) -> None:
        """Ends what `take` began."""
        with self._lock:
            connections.users -= 1
            if not connections.users:
                self._open.pop(connections.address).close()


shared = _Shared()
