"""Maps failed requests to errors with a message for the user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.error_body import ErrorBody, parse_error
from pulumi_openai_ft._client.retries import (
    LONGEST_RETRY_AFTER,
    NOT_OFFERED_STATUSES,
    SUCCESSES,
    UNDECIDED_STATUSES,
    Method,
    retry_after,
)
from pulumi_openai_ft.errors import (
    AuthenticationError,
    FineTuningUnavailableError,
    InvalidResponseError,
    JobLimitError,
    MissingScopeError,
    NotFoundError,
    QuotaError,
    RateLimitError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
    ServiceTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._settings import Settings

PAYMENT_REQUIRED, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 402, 401, 403, 404, 429
REDIRECTIONS, CLIENT_ERRORS, SERVER_ERRORS = range(300, 400), range(400, 500), range(500, 600)

_SPENT_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_SPENT = re.compile(
    r"\bcurrent quota\b|\bspend(?:ing)? (?:cap|limit)\b|\bbilling (?:hard )?limit\b", re.IGNORECASE
)
_DAILY_CODE = re.compile(r"daily", re.IGNORECASE)
_JOB_CODE = re.compile(r"concurren|jobs?_", re.IGNORECASE)
_JOBS = re.compile(r"\bfine-?tun(?:e|ing) (?:job|request)|\btraining jobs?\b", re.IGNORECASE)
_CAPPED = re.compile(
    r"\bper day\b|\bdaily\b|\bactive\b|\bconcurrent|\brunning\b|\bat a time\b", re.IGNORECASE
)
_SCOPE = re.compile(r"\bapi\.[a-z_.]+[a-z]")
_PERMISSION = re.compile(r"\bscopes?\b|\bpermissions?\b|\broles?\b", re.IGNORECASE)
_FILE_PARAMS = frozenset({"training_file", "validation_file"})
_UNUSABLE_FILE = re.compile(
    r"\binvalid (?:training|validation)[_ ]file\b(?!.*\bline\b)|\bnot found\b|\b(?:do|does) not exist\b|\bno such file\b"
    r"|\bpurpose\b|\bdeleted\b|\bexpired\b",
    re.IGNORECASE,
)
_FLAGS = {"true": True, "false": False}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})

_STALE = "refresh and destroy use the configuration of the last `pulumi up` unless you add --run-program"
_ADVICE: dict[type[ServiceError], str] = {
    ServiceError: "fix the problem, then run the command again",
    NotFoundError: f"check that the id, the key, openai-ft:project and openai-ft:baseUrl belong together ({_STALE})",
    AuthenticationError: "set a valid key with `pulumi config set --secret openai-ft:apiKey` (for permissions: "
    f"openai-ft:adminKey) or in the environment ({_STALE})",
    MissingScopeError: "add this scope to the key in your organization's settings, under API keys or Admin keys "
    "(admin keys require the Owner role)",
    FineTuningUnavailableError: "OpenAI has closed fine-tuning for this organization (for all organizations on 2027-01-06): "
    "existing models remain available until their base model is shut down; to train new models, set openai-ft:baseUrl "
    "to another service",
    QuotaError: "nothing was created; check your organization's billing and spend limits, then run the command again",
    JobLimitError: "nothing was created; limits apply per organization and model (see Limits in your organization's "
    "settings): wait until an active job finishes or, for a daily limit, until 24 hours after the first job was "
    "created, or request a higher limit from the service, then run the command again",
    RateLimitError: "wait a minute, then run the command again",
    ServerError: "the service has an internal problem: run the command again later",
    InvalidResponseError: "check openai-ft:baseUrl and any proxy in between",
}


@dataclass(frozen=True)
class Response:
    """An HTTP response from the service.

    Attributes:
        status: HTTP status.
        headers: Header values by lower-case name.
        content: The complete body.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return self.status in SUCCESSES

    @property
    def request_id(self) -> str | None:
        """Return the `x-request-id` header, with which the service's support can find the request."""
        return self.headers.get("x-request-id")


@dataclass(frozen=True)
class RequestContext:
    """A request, as error messages describe it.

    Attributes:
        settings: Settings of the service. Messages mask the keys in them.
        admin: Whether the request used the admin key.
        method: HTTP method.
        path: Path below the base URL.
    """

    settings: Settings
    admin: bool
    method: Method
    path: str

    def connection_error(
        self, reason: str, *, timed_out: bool, may_have_acted: bool
    ) -> ServiceConnectionError:
        """Return the error for a request without a response.

        Args:
            reason: The problem with the connection.
            timed_out: Whether the problem is a timeout.
            may_have_acted: Whether the request may have reached the service.
        """
        remedy = f"check openai-ft:baseUrl (or OPENAI_BASE_URL; {_STALE}) and the network, then run the command again"
        if "CERTIFICATE" in reason:
            remedy = "check openai-ft:baseUrl; if a proxy decrypts HTTPS, set SSL_CERT_FILE to the file of its certificates"
        target = f"{self.settings.base_url} to {self.method} {self.path}"
        text = f"no response from {target} for {self.settings.caller(admin=self.admin)} ({reason}): {remedy}"
        kind = ServiceTimeoutError if timed_out else ServiceConnectionError
        return kind(self.settings.mask(text), may_have_acted=may_have_acted)

    def unreadable(self, response: Response, now: float, reason: str = "") -> InvalidResponseError:
        """Return the error for a response that does not follow the API, such as a proxy's page or a truncated body.

        The message never quotes the body.

        Args:
            response: The response.
            now: Current Unix seconds, for a date in `retry-after`.
            reason: The problem with the body, if status and content type do not show it.
        """
        kind = _content_description(response)
        details = ", ".join(part for part in (f"status {response.status}", kind, reason) if part)
        parts = [
            f"unexpected response from {self.settings.base_url} to {self.method} {self.path} ({details})",
            _retry_after_hint(response, now)
            or _redirect_hint(response)
            or _advice(InvalidResponseError, response.status),
        ]
        return InvalidResponseError(self._sentence(parts, response), **self._facts(response, now))

    def api_error(self, response: Response, now: float) -> ServiceError:
        """Return the error for a response whose status is not 2xx.

        Args:
            response: The response.
            now: Current Unix seconds, for a date in `retry-after`.
        """
        found = parse_error(response.content)
        if found is None and response.status != TOO_MANY:
            return self.unreadable(response, now)
        error = found or ErrorBody()
        kind = _error_class(self, response.status, error)
        return kind(
            self._sentence(self._parts(kind, response, error, now), response),
            reason=self.settings.mask(error.message.strip()),
            code=self._masked(error.code),
            param=self._masked(error.param),
            may_have_acted=found is None or not _is_refusal(response.status),
            is_api_error=error.is_api_error,
            **self._facts(response, now),
        )

    def _facts(self, response: Response, now: float) -> dict[str, Any]:
        return {
            "status": response.status,
            "request_id": self._masked(response.request_id),
            "retry_after": retry_after(response.headers, now),
            "should_retry": _FLAGS.get(response.headers.get("x-should-retry", "").lower()),
        }

    def _parts(self, kind: type[ServiceError], response: Response, error: ErrorBody, now: float) -> list[str]:
        text, param = _text(error, response.status), error.param
        prefix = f"{param}: " if param and param not in text else ""
        file_advice = _file_advice(error)
        names_target = file_advice or kind in (AuthenticationError, NotFoundError, MissingScopeError)
        return [
            f"{prefix}{text} ({self.method} {self.path}, status {response.status})",
            f"sent to {self.settings.describe(admin=self.admin)}" if names_target else "",
            f"missing: {self._scopes(text)}" if kind is MissingScopeError else "",
            retry_hint := _retry_after_hint(response, now),
            ""
            if retry_hint and kind in (RateLimitError, ServerError)
            else file_advice or _advice(kind, response.status),
        ]

    def _scopes(self, text: str) -> str:
        """Return the scopes that the service names, or else the scopes that the request needs."""
        if named := _SCOPE.findall(text):
            return ", ".join(dict.fromkeys(named))
        access = "read" if self.method == "GET" else "write"
        return (
            f"api.fine_tuning.checkpoints.{access}"
            if self.admin
            else f"{access} access to files and fine-tuning"
        )

    def _sentence(self, parts: list[str], response: Response) -> str:
        request = f"request {response.request_id}" if response.request_id else ""
        return self.settings.mask("; ".join(part for part in (*parts, request) if part))

    def _masked(self, value: object) -> str | None:
        return None if value is None else self.settings.mask(str(value))


def _is_refusal(status: int) -> bool:
    """Return whether an error with this status proves that the request had no effect."""
    return status in CLIENT_ERRORS and status not in UNDECIDED_STATUSES


def _advice(kind: type[ServiceError], status: int) -> str:
    if status in NOT_OFFERED_STATUSES:
        return "the service does not support this request: see openai-ft:service and openai-ft:unsupportedFeatures"
    return _ADVICE[kind]


def _file_advice(error: ErrorBody) -> str:
    """Return the next step if the service does not have a job's file, or not for this purpose; otherwise empty."""
    if error.param not in _FILE_PARAMS or not _UNUSABLE_FILE.search(error.message):
        return ""
    return (
        f'set {error.param} to a file of this project with purpose "fine-tune": pass a `File`, or its `id`. If a `File` of '
        f"this stack was deleted at the service or has expired, run `pulumi refresh`, then `pulumi up`, which uploads it again"
    )


def _retry_after_hint(response: Response, now: float) -> str:
    """Return when to run the command again, if the requested wait exceeds `LONGEST_RETRY_AFTER`; otherwise empty."""
    wait = retry_after(response.headers, now)
    if wait is None or wait <= LONGEST_RETRY_AFTER:
        return ""
    then = datetime.fromtimestamp(now + wait, UTC)
    return f"the service requested a wait of {wait:.0f} s: run the command again after {then:%Y-%m-%d %H:%M:%S} UTC"


def _redirect_hint(response: Response) -> str:
    """Return the target of a redirect, or an empty string. Never follow redirects, which would send the key."""
    target = response.headers.get("location", "").split("?")[0]
    if response.status not in REDIRECTIONS or not target:
        return ""
    return f"it redirects to {target}: check openai-ft:baseUrl, including https://"


def _content_description(response: Response) -> str:
    kind = response.headers.get("content-type", "no content type").split(";")[0]
    return "an HTML page" if kind.strip().lower() in _HTML_TYPES else kind


def _text(error: ErrorBody, status: int) -> str:
    return error.message.strip().rstrip(".") or f"status {status} without a reason"


def _error_class(context: RequestContext, status: int, error: ErrorBody) -> type[ServiceError]:
    text, code = error.message, error.code or ""
    if code == "training_not_available":
        return FineTuningUnavailableError
    if status == PAYMENT_REQUIRED or {code, error.kind} & _SPENT_CODES:
        return QuotaError
    if status == TOO_MANY:
        return _limit_error(context, code, text)
    if status in (UNAUTHORIZED, FORBIDDEN):
        return _access_error(status, code, text)
    if status in SERVER_ERRORS:
        return ServerError
    return NotFoundError if status == NOT_FOUND else ServiceError


def _limit_error(context: RequestContext, code: str, text: str) -> type[ServiceError]:
    """Return the error class of a 429 response. Only a POST can reach a job limit."""
    if _SPENT.search(text):
        return QuotaError
    by_code = context.method == "POST" and _JOB_CODE.search(code)
    by_text = context.method == "POST" and _JOBS.search(text) and _CAPPED.search(text)
    return JobLimitError if _DAILY_CODE.search(code) or by_code or by_text else RateLimitError


def _access_error(status: int, code: str, text: str) -> type[ServiceError]:
    """Return the error class of a 401 or 403 response.

    Services report a missing scope with either status, with or without a code.
    """
    if code == "missing_scope" or "scope" in text.lower():
        return MissingScopeError
    lacks_permission = status == FORBIDDEN and (not code or _PERMISSION.search(text))
    return MissingScopeError if lacks_permission else AuthenticationError
