"""HTTP: connections, keys and time limits. The only module that knows httpx."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi_openai_ft._engine import require_engine
from pulumi_openai_ft._service.failures import Answer, Call
from pulumi_openai_ft._service.operation import Operation
from pulumi_openai_ft._service.pace import REAL_TIME, Pace, Time, pace_of
from pulumi_openai_ft.errors import ServiceConnectionError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    from pulumi_openai_ft._service.retries import Method
    from pulumi_openai_ft._settings import Settings

Content = TypeVar("Content")
NO_CONTENT = 204
CONNECT_TIMEOUT = 5.0
PARALLEL = 64
"""As many operations as the engine runs at a time in our host when it is asked for many."""
IDLE = 4.0
"""Seconds after which an unused connection is closed: common servers do it after 5, and a POST that meets a closing
connection cannot be told from one that acted."""


class Http:
    """One service, asked with one key, by any number of threads.

    Connections are opened at the first request, and shared by all of the process that ask the same service with the
    same key.

    Args:
        settings: Base URL, keys, deadlines.
        admin: Whether the admin key is sent instead of the project key.
        transport: Another httpx transport, for tests.
        time: Clocks and sleep.
        pace: Paces the calls, by default those with the admin key and together with all others of this process.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        admin: bool = False,
        transport: httpx.BaseTransport | None = None,
        time: Time = REAL_TIME,
        pace: Pace | None = None,
    ) -> None:
        self.settings, self.admin, self.time = settings, admin, time
        self._transport, self._pace = transport, pace
        self._lock = Lock()
        self._open: tuple[_Address, httpx.Client] | None = None

    def close(self) -> None:
        """Closes the connections, unless somebody else uses them. Another request opens them again."""
        with self._lock:
            used, self._open = self._open, None
        if used:
            _clients.give_back(used[0])

    def request(
        self,
        method: Method,
        path: str,
        *,
        read: Callable[[Any], Any] = lambda decoded: decoded,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        creates: bool = False,
        **more: Any,
    ) -> Any:
        """Sends a request and gives what its answer holds.

        A POST is repeated only where the service cannot have acted on it.

        Args:
            method: HTTP method.
            path: Path below the base URL, quoted.
            read: Makes the result out of the decoded JSON. Its ValueError says why it is none.
            body: JSON body.
            params: Query; entries that are None are left out.
            creates: Whether something is created, for which the engine must be there that asked for it.
            more: Handed to httpx: `files` and `data` of a multipart form.

        Raises:
            ServiceConnectionError: No answer came.
            ServiceError: The answer is an error.
            EngineGoneError: Something would be created for an engine that is gone.
            SettingsError: There is no key, or no connection can be opened with these settings.
        """
        query = dict(self.settings.profile.query) | {k: v for k, v in (params or {}).items() if v is not None}
        message = {"json": body, "params": query, **more}
        sender = self._sender(method, path, message)
        operation = self._operation(sender, lambda answer: read(_decoded(answer)))
        if creates:
            operation.guard = require_engine
        return operation.run()

    def content(self, path: str, read: Callable[[Iterator[bytes]], Content]) -> Content:
        """Makes something out of the bytes that a GET answers with, which are never held all at once.

        Args:
            path: Path below the base URL, quoted.
            read: Makes the result out of the parts of the body. Where the body breaks off it is called again, with a
                whole one.

        Raises:
            RequestError: As `request` does.
        """
        sender = self._sender("GET", path, {"params": dict(self.settings.profile.query)})
        found: list[Content] = []
        sender.take = lambda parts: found.append(read(parts))
        content: Content = self._operation(sender, lambda _answer: found[-1]).run()
        return content

    def _sender(self, method: Method, path: str, message: dict[str, Any]) -> _Sender:
        return _Sender(Call(self.settings, self.admin, method, path), self._client(), self.time, message)

    def _operation(self, sender: _Sender, read: Callable[[Answer], Any]) -> Operation:
        return Operation(sender.call, sender.send, read, self.time, self._pacing())

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._open is None:
                address = _Address(self.settings.base_url, self._headers(), self._transport)
                self._open = address, _clients.take(address)
            return self._open[1]

    def _pacing(self) -> Pace | None:
        if not self.admin or not self.settings.admin_requests_per_minute:
            return None
        key = self.settings.require_key(admin=True)
        return self._pace or pace_of(self.settings.base_url, key, self.time)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        settings, key = self.settings, self.settings.require_key(admin=self.admin)
        header = settings.profile.key_header
        headers = {header: f"Bearer {key}" if header == "authorization" else key}
        if settings.organization:
            headers["OpenAI-Organization"] = settings.organization
        if settings.project and not self.admin:
            headers["OpenAI-Project"] = settings.project
        return tuple(headers.items())


@dataclass
class _Sender:
    """A request, ready to be sent as often as it takes."""

    call: Call
    client: httpx.Client
    time: Time
    message: dict[str, Any]
    take: Callable[[Iterator[bytes]], object] | None = None
    """Gets the body of a good answer in parts; by default the answer holds it."""

    def send(self, deadline: float) -> Answer:
        """Sends it and gives the answer, whatever it is.

        Raises:
            ServiceConnectionError: None came before the deadline on the clock.
        """
        import httpx  # noqa: PLC0415 - programs that only register resources need not pay for it

        left = max(deadline - self.time.clock(), 0.0)
        longest = min(self.call.settings.timeout, left)
        limit = httpx.Timeout(longest, connect=min(CONNECT_TIMEOUT, left), pool=left)
        try:
            with self.client.stream(
                self.call.method, self.call.path, timeout=limit, **self.message
            ) as response:
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
        import httpx  # noqa: PLC0415 - see send

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


def _decoded(answer: Answer) -> Any:
    return None if answer.status == NO_CONTENT else json.loads(answer.content)


@dataclass(frozen=True)
class _Address:
    """What tells clients apart. The headers hold the key."""

    base_url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    transport: httpx.BaseTransport | None


@dataclass
class _Clients:
    """The open clients of this process. Whoever gives one back last closes it."""

    _lock: Lock = field(default_factory=Lock)
    _open: dict[_Address, httpx.Client] = field(default_factory=dict)
    _users: Counter[_Address] = field(default_factory=Counter)

    def take(self, address: _Address) -> httpx.Client:
        """The client for an address, opened where there is none."""
        with self._lock:
            if address not in self._open:
                self._open[address] = _opened(address)
            self._users[address] += 1
            return self._open[address]

    def give_back(self, address: _Address) -> None:
        """Ends what `take` began."""
        with self._lock:
            self._users[address] -= 1
            if not self._users[address]:
                del self._users[address]
                self._open.pop(address).close()


_clients = _Clients()


def _opened(address: _Address) -> httpx.Client:
    import httpx  # noqa: PLC0415 - see _Sender.send

    try:
        return httpx.Client(
            base_url=address.base_url,
            headers=dict(address.headers),
            verify=not address.base_url.lower().startswith("http:"),  # loading the certificates takes 60 ms
            limits=httpx.Limits(
                max_connections=PARALLEL, max_keepalive_connections=PARALLEL, keepalive_expiry=IDLE
            ),
            transport=address.transport,
        )
    except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        raise SettingsError(
            f"no connection to {address.base_url} can be opened: check openai-ft:baseUrl, and HTTP_PROXY, HTTPS_PROXY, "
            f"ALL_PROXY and SSL_CERT_FILE in the environment"
        ) from error
