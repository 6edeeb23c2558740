"""HTTP as the API uses it: keys, JSON, tries."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi_openai_ft._client.error_mapping import Answer, Call
from pulumi_openai_ft._client.operation import Operation
from pulumi_openai_ft._client.rate_limit import REAL_TIME, Pace, Time, pace_of
from pulumi_openai_ft._client.transport import Address, Connections, Sender, shared
from pulumi_openai_ft._shared.engine_liveness import require_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_openai_ft._client.retries import Method
    from pulumi_openai_ft._client.transport import Form, Transport
    from pulumi_openai_ft._settings import Settings

Content = TypeVar("Content")
NO_CONTENT = 204


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
        transport: Transport | None = None,
        time: Time = REAL_TIME,
        pace: Pace | None = None,
    ) -> None:
        self.settings, self.admin, self.time = settings, admin, time
        self._transport, self._pace = transport, pace
        self._lock = Lock()
        self._open: Connections | None = None

    def close(self) -> None:
        """Closes the connections, unless somebody else uses them. Another request opens them again."""
        with self._lock:
            used, self._open = self._open, None
        if used:
            shared.give_back(used)

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
        """Sends a request and gives what its answer holds.

        A POST is repeated only where the service cannot have acted on it, unless it is idempotent.

        Args:
            method: HTTP method.
            path: Path below the base URL, quoted.
            read: Makes the result out of the decoded JSON. Its ValueError says why it is none.
            body: JSON body.
            form: The body where it is none of JSON.
            params: Query; entries that are None are left out.
            creates: Whether something is created, for which the engine must be there that asked for it.
            idempotent: Whether a POST does no harm where it acts more than once.

        Raises:
            ServiceConnectionError: No answer came.
            ServiceError: The answer is an error.
            EngineGoneError: Something would be created for an engine that is gone.
            SettingsError: There is no key, or no connection can be opened with these settings.
        """
        query = dict(self.settings.profile.query) | {k: v for k, v in (params or {}).items() if v is not None}
        message = {"params": query, **(form.message() if form else {"json": body})}
        sender = self._sender(method, path, message)
        operation = self._operation(sender, lambda answer: read(_decoded(answer)))
        operation.idempotent = idempotent
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

    def _sender(self, method: Method, path: str, message: dict[str, Any]) -> Sender:
        return Sender(Call(self.settings, self.admin, method, path), self._connections(), self.time, message)

    def _operation(self, sender: Sender, read: Callable[[Answer], Any]) -> Operation:
        return Operation(sender.call, sender.send, read, self.time, self._pacing())

    def _connections(self) -> Connections:
        with self._lock:
            if self._open is None:
                self._open = shared.take(Address(self.settings.base_url, self._headers(), self._transport))
            return self._open

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


def _decoded(answer: Answer) -> Any:
    return None if answer.status == NO_CONTENT else json.loads(answer.content)
