"""Requests with authentication, rate limiting, retries and error mapping."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi_openai_ft._client.error_mapping import RequestContext, Response
from pulumi_openai_ft._client.rate_limit import RateLimiter, limiter_of
from pulumi_openai_ft._client.retries import SUCCESSES, http_date, retrying
from pulumi_openai_ft._client.transport import ConnectionPool, PoolKey, shared
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft._shared.engine_liveness import require_engine
from pulumi_openai_ft.errors import InvalidResponseError, RateLimitError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_openai_ft._client.retries import Method
    from pulumi_openai_ft._client.transport import Form, Transport
    from pulumi_openai_ft._settings import Settings

Content = TypeVar("Content")
NO_CONTENT = 204
CLOCK_TOLERANCE = 5.0
"""Seconds of a response and of rounding, which are no difference between two clocks."""


class Session:
    """A thread-safe session with a service and key.

    The first request opens the connections. All sessions of this process with the same service and key share them.

    Args:
        settings: Base URL, keys, timeouts.
        admin: Whether to send the admin key instead of the project key.
        transport: Another httpx transport, for tests.
        time: Clocks and sleep.
        limiter: Rate limiter of admin requests; by default the limiter that this process shares.

    Attributes:
        service_time: The service's time in its last response, in Unix seconds; None if it sends no `date` header.
        clock_lead: Seconds by which this machine's clock was ahead of the service's at that response.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        admin: bool = False,
        transport: Transport | None = None,
        time: TimeSource = REAL_TIME,
        limiter: RateLimiter | None = None,
    ) -> None:
        self.settings, self.admin, self.time = settings, admin, time
        self._transport, self._limiter = transport, limiter
        self.service_time: float | None = None
        self.clock_lead: float = 0.0
        self._lock = Lock()
        self._pool: ConnectionPool | None = None

    def close(self) -> None:
        """Close the connections, unless another session uses them. The next request reopens them."""
        with self._lock:
            used, self._pool = self._pool, None
        if used:
            shared.release(used)

    def request(
        self,
        method: Method,
        path: str,
        *,
        read: Callable[[Any], Any] = lambda decoded: decoded,
        body: object = None,
        form: Form | None = None,
        params: Mapping[str, Any] | None = None,
        creates: bool = False,
        idempotent: bool = False,
    ) -> Any:
        """Send a request and return its decoded response.

        A POST that is not idempotent is retried only if the service cannot have acted on it.

        Args:
            method: HTTP method.
            path: Quoted path below the base URL.
            read: Converts the decoded JSON to the result. Raises ValueError with the reason if it is invalid.
            body: JSON body.
            form: Multipart body, instead of a JSON body.
            params: Query parameters; None values are omitted.
            creates: Whether the request creates an object, so that the engine must still be running.
            idempotent: Whether a POST may safely be repeated.

        Raises:
            ServiceConnectionError: No response arrived.
            ServiceError: The service returned an error.
            EngineDisconnectedError: The request creates an object, and the engine is no longer running.
            SettingsError: The key is missing, or the settings do not allow a connection.
        """
        query = dict(self.settings.profile.query) | {k: v for k, v in (params or {}).items() if v is not None}
        message = {"params": query, **(form.message() if form else {"json": body})}
        context = RequestContext(self.settings, self.admin, method, path)

        def attempt() -> Any:
            if creates:
                require_engine()
            return self._result(
                context, self._connections().send(context, message), lambda response: read(_decoded(response))
            )

        return self._with_retries(context, attempt, idempotent=idempotent)

    def content(self, path: str, read: Callable[[Iterator[bytes]], Content]) -> Content:
        """Stream the body of a GET to `read` and return its result.

        Args:
            path: Quoted path below the base URL.
            read: Converts the chunks of the body. If the body breaks off, it is called again from the start.

        Raises:
            RequestError: See `request`.
        """
        return self.resumable_content(path, lambda: 0, lambda _position, parts: read(parts))

    def resumable_content(
        self, path: str, position: Callable[[], int], read: Callable[[int, Iterator[bytes]], Content]
    ) -> Content:
        """Stream the body of a GET to `read`, from a position on, and return its result.

        Args:
            path: Quoted path below the base URL.
            position: Returns the position from which to request the body. It is called for each try.
            read: Converts the position of the first byte and the chunks. The position is 0 if the service ignores the
                request for a position. If the body breaks off, it is called again.

        Raises:
            RequestError: See `request`.
        """
        context = RequestContext(self.settings, self.admin, "GET", path)
        found: list[Content] = []

        def attempt() -> Content:
            message = {"params": dict(self.settings.profile.query), "headers": _range(position())}
            response = self._connections().send(
                context, message, lambda first, parts: found.append(read(first, parts))
            )
            self._result(context, response, lambda _response: None)
            return found[-1]

        content: Content = self._with_retries(context, attempt)
        return content

    def _with_retries(
        self, context: RequestContext, attempt: Callable[[], Any], *, idempotent: bool = False
    ) -> Any:
        started, limiter = self.time.clock(), self._rate_limiter()
        retries = retrying(self.time, context.method, self.settings.max_retries, idempotent=idempotent)
        try:
            return retries(attempt if limiter is None else lambda: _limited(limiter, attempt))
        except RequestError as error:
            tries = retries.statistics.get("attempt_number", 1)
            error.tries = tries
            error.history = _history(error, tries, self.time.clock() - started)
            raise

    def _result(self, context: RequestContext, response: Response, read: Callable[[Response], Any]) -> Any:
        now = self.time.wall()
        self._compare_clocks(http_date(response.headers.get("date", "")), now)
        if not response.is_success:
            raise context.api_error(response, now)
        try:
            return read(response)
        except (ValueError, RecursionError) as error:
            is_json = not isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            unreadable = context.unreadable(response, now, str(error) if is_json else f"not JSON: {error}")
            unreadable.is_json = is_json
            raise unreadable from error

    def _compare_clocks(self, service_time: float | None, now: float) -> None:
        if service_time is None:
            return
        lead = now - service_time
        self.service_time = service_time
        self.clock_lead = 0.0 if abs(lead) <= CLOCK_TOLERANCE else lead

    def _connections(self) -> ConnectionPool:
        with self._lock:
            if self._pool is None:
                self._pool = shared.take(PoolKey(self.settings.base_url, self._headers(), self._transport))
            return self._pool

    def _rate_limiter(self) -> RateLimiter | None:
        if not self.admin:
            return None
        key = self.settings.require_key(admin=True)
        return self._limiter or limiter_of(self.settings.base_url, key, self.time)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        settings, key = self.settings, self.settings.require_key(admin=self.admin)
        header = settings.profile.api_key_header
        headers = {header: f"Bearer {key}" if header == "authorization" else key}
        if settings.organization:
            headers["OpenAI-Organization"] = settings.organization
        if settings.project and not self.admin:
            headers["OpenAI-Project"] = settings.project
        return tuple(headers.items())


def _range(position: int) -> dict[str, str]:
    """Return the headers that request a body from a position on. A compressed body would have other positions."""
    return {"range": f"bytes={position}-", "accept-encoding": "identity"} if position else {}


def _history(error: RequestError, tries: int, seconds: float) -> str:
    """Return the summary of the retries of a request, with the reason if there was only one."""
    if tries == 1:
        return ""
    summary = f"tried {tries} times in {seconds:.0f} s"
    is_unreadable = isinstance(error, InvalidResponseError) and error.status in SUCCESSES
    return (
        f"{summary} (a response that is not JSON is requested again only once)" if is_unreadable else summary
    )


def _limited(limiter: RateLimiter, attempt: Callable[[], Any]) -> Any:
    limiter.wait()
    try:
        return attempt()
    except RateLimitError as error:
        limiter.throttle(error.retry_after)
        raise


def _decoded(response: Response) -> Any:
    """Return the decoded body. Numbers that JSON does not have, such as NaN, are null."""
    if response.status == NO_CONTENT:
        return None
    return json.loads(response.content, parse_constant=lambda _name: None)
