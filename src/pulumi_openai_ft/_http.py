"""HTTP: authentication, retries and the translation of failures. The only module that knows httpx."""

from __future__ import annotations

import random
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal

import tenacity

from pulumi_openai_ft.errors import (
    AuthenticationError,
    MissingScopeError,
    NotFoundError,
    OpenAIFTError,
    QuotaError,
    RateLimitError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceTimeoutError,
    TrainingClosedError,
    UnreadableAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from pulumi_openai_ft._settings import Settings

CONNECT_TIMEOUT = 5.0
FIRST_WAIT, LONGEST_WAIT, LONGEST_RETRY_AFTER = 0.5, 8.0, 120.0
TRANSIENT_STATUSES = frozenset({408, 409, 429})
SPENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "daily_rate_limit_exceeded"})
REQUEST_TIMEOUT_STATUS, CONFLICT_STATUS = 408, 409
_SCOPE = re.compile(r"\bapi\.[a-z_.]+[a-z]")

Method = Literal["GET", "POST", "DELETE"]


class Http:
    """Connections to one service with one key.

    Args:
        settings: Base URL, keys, timeouts.
        admin: Whether the admin key is sent instead of the project key.
        transport: Another httpx transport, for tests.
        sleep: Waits between two tries, for tests.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        admin: bool = False,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx  # noqa: PLC0415 - programs that only register resources need not pay for it

        self._settings, self._admin, self._sleep = settings, admin, sleep
        self._client = httpx.Client(
            base_url=settings.base_url,
            headers=_headers(settings, admin=admin),
            timeout=httpx.Timeout(settings.timeout, connect=CONNECT_TIMEOUT),
            transport=transport,
        )

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def request(
        self,
        method: Method,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        """Sends a request and gives the decoded JSON of its answer.

        A POST is repeated only where the service cannot have acted on it.

        Args:
            method: HTTP method.
            path: Path below the base URL, quoted.
            body: JSON body.
            params: Query; entries that are None are left out.
            more: Handed to httpx: `files` and `data` of a multipart form.

        Raises:
            ServiceConnectionError: No answer came.
            ServiceError: The answer is an error.
        """
        return self._retrying(method)(self._decode, method, path, body, params, more)

    def content(self, path: str) -> bytes:
        """The bytes that a GET answers with."""
        return self._retrying("GET")(self._send, "GET", path, None, None, {}).content

    def _decode(self, method: Method, path: str, *rest: Any) -> Any:
        response = self._send(method, path, *rest)
        try:
            return response.json()
        except ValueError as error:
            raise self._unreadable(response) from error

    def _send(
        self, method: Method, path: str, body: object, params: Mapping[str, Any] | None, more: dict[str, Any]
    ) -> httpx.Response:
        import httpx  # noqa: PLC0415 - see __init__

        query = {key: value for key, value in (params or {}).items() if value is not None}
        try:
            response = self._client.request(method, path, json=body, params=query, **more)
        except httpx.HTTPError as error:
            raise self._no_answer(error) from error
        if not response.is_success:
            raise self._refused(response)
        return response

    def _retrying(self, method: Method) -> tenacity.Retrying:
        return tenacity.Retrying(
            sleep=self._sleep,
            stop=tenacity.stop_after_attempt(self._settings.max_retries + 1),
            wait=_wait,
            retry=tenacity.retry_if_exception(lambda error: _is_repeatable(error, method)),
            reraise=True,
        )

    def _no_answer(self, error: httpx.HTTPError) -> ServiceConnectionError:
        import httpx  # noqa: PLC0415 - see __init__

        never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol)
        kind = ServiceTimeoutError if isinstance(error, httpx.TimeoutException) else ServiceConnectionError
        reason = str(error) or type(error).__name__
        return kind(
            self._settings.mask(
                f"no answer from {self._settings.base_url} ({reason}): check openai-ft:baseUrl (or OPENAI_BASE_URL) "
                f"and the network, then run the command again"
            ),
            may_have_acted=not never_sent,
        )

    def _unreadable(self, response: httpx.Response) -> UnreadableAnswerError:
        kind = response.headers.get("content-type", "no content type")
        return UnreadableAnswerError(
            f"{self._settings.base_url} answered with something that is not the API's JSON (status "
            f"{response.status_code}, {kind}): check openai-ft:baseUrl, and any proxy on the way",
            status=response.status_code,
            request_id=response.headers.get("x-request-id"),
        )

    def _refused(self, response: httpx.Response) -> ServiceError:
        problem = _problem(response)
        if problem is None and response.status_code not in (401, 403, 404, *TRANSIENT_STATUSES):
            return self._unreadable(response)
        fields = problem or {}
        text = str(fields.get("message") or f"status {response.status_code} without a reason")
        kind = _kind(response.status_code, fields.get("code"), text)
        request_id = response.headers.get("x-request-id")
        return kind(
            self._settings.mask(self._sentence(kind, text, fields.get("param"), request_id)),
            status=response.status_code,
            code=fields.get("code"),
            param=fields.get("param"),
            request_id=request_id,
            retry_after=_retry_after(response),
            should_retry={"true": True, "false": False}.get(response.headers.get("x-should-retry", "")),
        )

    def _sentence(
        self, kind: type[ServiceError], text: str, param: str | None, request_id: str | None
    ) -> str:
        parts = [f"{param}: {text}" if param and param not in text else text]
        if kind in (AuthenticationError, NotFoundError, MissingScopeError):
            parts.append(f"asked {self._settings.describe(admin=self._admin)}")
        advice = _ADVICE.get(kind)
        if kind is MissingScopeError and (scopes := _SCOPE.findall(text)):
            parts.append(f"missing: {', '.join(dict.fromkeys(scopes))}")
        if advice:
            parts.append(advice)
        if request_id:
            parts.append(f"request {request_id}")
        return "; ".join(part.strip().rstrip(".") for part in parts)


_ADVICE: dict[type[ServiceError], str] = {
    AuthenticationError: "set a valid key with `pulumi config set --secret openai-ft:apiKey` (permissions: "
    "openai-ft:adminKey) or in the environment",
    MissingScopeError: "give the key that scope where it was made (API keys or Admin keys in the organization's "
    "settings; admin keys need the Owner role)",
    TrainingClosedError: "OpenAI has closed fine-tuning to this organization (to all on 2027-01-06): existing models "
    "stay usable until their base model is shut down, and openai-ft:baseUrl can name another service",
    QuotaError: "nothing was created; look at the organization's billing and limits, then run the command again",
    RateLimitError: "wait a minute, then run the command again",
}


def _headers(settings: Settings, *, admin: bool) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {settings.require_key(admin=admin)}"}
    if settings.organization:
        headers["OpenAI-Organization"] = settings.organization
    if settings.project and not admin:
        headers["OpenAI-Project"] = settings.project
    return headers


def _problem(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    problem = body.get("error") if isinstance(body, dict) else None
    return problem if isinstance(problem, dict) else None


def _kind(status: int, code: str | None, text: str) -> type[ServiceError]:
    if status in (401, 403):
        if code == "training_not_available":
            return TrainingClosedError
        lacks_scope = code == "missing_scope" or status == 403 or "scope" in text.lower()  # noqa: PLR2004
        return MissingScopeError if lacks_scope else AuthenticationError
    if status == 429:  # noqa: PLR2004
        return QuotaError if code in SPENT_CODES else RateLimitError
    if status >= 500:  # noqa: PLR2004
        return ServerError
    return NotFoundError if status == 404 else ServiceError  # noqa: PLR2004


def _retry_after(response: httpx.Response) -> float | None:
    milliseconds = _float(response.headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = response.headers.get("retry-after")
    seconds = _float(text)
    if seconds is None and text:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
    return seconds


def _float(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _is_repeatable(error: BaseException, method: Method) -> bool:
    if isinstance(error, QuotaError | TrainingClosedError) or not isinstance(error, OpenAIFTError):
        return False
    if isinstance(error, ServiceConnectionError):
        return method != "POST" or not error.may_have_acted
    if not isinstance(error, ServiceError):
        return False
    if method == "POST" and (
        error.may_have_acted or error.status in (REQUEST_TIMEOUT_STATUS, CONFLICT_STATUS)
    ):
        return False
    if error.retry_after is not None and error.retry_after > LONGEST_RETRY_AFTER:
        return False
    if error.should_retry is not None:
        return error.should_retry
    return error.status in TRANSIENT_STATUSES or error.may_have_acted


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "retry_after", None)
    if asked is not None and asked > 0:
        return float(asked)
    longest: float = min(FIRST_WAIT * 2 ** (state.attempt_number - 1), LONGEST_WAIT)
    return longest * (1 - 0.25 * random.random())  # noqa: S311 - jitter, not a secret
