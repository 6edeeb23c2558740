"""What goes wrong with a request: which error it is, and how people are told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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
REDIRECTIONS, SERVER_ERRORS = range(300, 400), range(500, 600)

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
_FLAGS = {"true": True, "false": False}
_MARKUP = re.compile(r"<(?:!doctype|html|head|body)\b", re.IGNORECASE)

_STALE = "refresh and destroy use the configuration of the last `pulumi up` unless run with --run-program"
_ADVICE: dict[type[ServiceError], str] = {
    ServiceError: "correct what it names, then run the command again",
    NotFoundError: f"check that the id, the key, openai-ft:project and openai-ft:baseUrl belong together ({_STALE})",
    AuthenticationError: "set a valid key with `pulumi config set --secret openai-ft:apiKey` (permissions: "
    f"openai-ft:adminKey) or in the environment ({_STALE})",
    MissingScopeError: "give the key that scope where it was made (API keys or Admin keys in the organization's "
    "settings; admin keys need the Owner role)",
    FineTuningUnavailableError: "OpenAI has closed fine-tuning to this organization (to all on 2027-01-06): existing models "
    "stay usable until their base model is shut down, and openai-ft:baseUrl can name another service",
    QuotaError: "nothing was created; look at the organization's billing and spend limits, then run the command again",
    JobLimitError: "nothing was created; limits are per organization and model (Limits in its settings): wait until "
    "an active job ends or, for a limit of a day, 24 hours have passed since the first one, or ask the service for "
    "more, then run the command again",
    RateLimitError: "wait a minute, then run the command again",
    ServerError: "the service is in trouble: run the command again later",
    InvalidResponseError: "check openai-ft:baseUrl, and any proxy on the way",
}


@dataclass(frozen=True)
class Response:
    """An answer of the service.

    Attributes:
        status: HTTP status.
        headers: By lower-case name.
        content: The whole body.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status says that all went well."""
        return self.status in SUCCESSES

    @property
    def request_id(self) -> str | None:
        """By which the service's support finds the request."""
        return self.headers.get("x-request-id")


@dataclass(frozen=True)
class RequestContext:
    """What was asked of whom.

    Attributes:
        settings: The service, and what must not be told.
        admin: Whether the admin key was sent.
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
        """The error for a request without an answer.

        Args:
            reason: What happened to the connection.
            timed_out: Whether that was that it took too long.
            may_have_acted: Whether the request may have reached the service.
        """
        remedy = f"check openai-ft:baseUrl (or OPENAI_BASE_URL; {_STALE}) and the network, then run the command again"
        if "CERTIFICATE" in reason:
            remedy = (
                "check openai-ft:baseUrl, and name the certificates of a proxy on the way with SSL_CERT_FILE"
            )
        where = f"{self.settings.base_url} to {self.method} {self.path}"
        text = f"no answer from {where} for {self.settings.caller(admin=self.admin)} ({reason}): {remedy}"
        kind = ServiceTimeoutError if timed_out else ServiceConnectionError
        return kind(self.settings.mask(text), may_have_acted=may_have_acted)

    def unreadable(self, answer: Response, now: float, reason: str = "") -> InvalidResponseError:
        """The error for an answer that the API does not give: a proxy's page, half a body. It is never quoted.

        Args:
            answer: The answer.
            now: Unix seconds, for a date in Retry-After.
            reason: What is wrong with it, if its status and type do not say.
        """
        kind = answer.headers.get("content-type", "no content type").split(";")[0]
        what = ", ".join(part for part in (f"status {answer.status}", kind, reason) if part)
        where = f"{self.settings.base_url} answered {self.method} {self.path}"
        parts = [
            f"{where} with something that is not the API's JSON ({what})",
            _retry_after_hint(answer, now)
            or _redirect_hint(answer)
            or _advice(InvalidResponseError, answer.status),
        ]
        return InvalidResponseError(self._sentence(parts, answer), **self._facts(answer, now))

    def api_error(self, answer: Response, now: float) -> ServiceError:
        """The error that an answer with another status than 2xx is.

        Args:
            answer: The answer.
            now: Unix seconds, for a date in Retry-After.
        """
        problem = _problem(answer)
        if problem is None and answer.status != TOO_MANY:
            return self.unreadable(answer, now)
        fields = problem or {}
        kind = _kind(self, answer.status, fields)
        return kind(
            self._sentence(self._parts(kind, answer, fields, now), answer),
            code=self._masked(fields.get("code")),
            param=self._masked(fields.get("param")),
            may_have_acted=problem is None
            or answer.status in UNDECIDED_STATUSES
            or answer.status in SERVER_ERRORS,
            **self._facts(answer, now),
        )

    def _facts(self, answer: Response, now: float) -> dict[str, Any]:
        return {
            "status": answer.status,
            "request_id": self._masked(answer.request_id),
            "retry_after": retry_after(answer.headers, now),
            "should_retry": _FLAGS.get(answer.headers.get("x-should-retry", "").lower()),
        }

    def _parts(
        self, kind: type[ServiceError], answer: Response, fields: Mapping[str, Any], now: float
    ) -> list[str]:
        text, param = _text(answer, fields), fields.get("param")
        blame = f"{param}: " if param and str(param) not in text else ""
        names_place = kind in (AuthenticationError, NotFoundError, MissingScopeError)
        return [
            f"{blame}{text.strip().rstrip('.')} ({self.method} {self.path}, status {answer.status})",
            f"asked {self.settings.describe(admin=self.admin)}" if names_place else "",
            f"missing: {self._scopes(text)}" if kind is MissingScopeError else "",
            postponed := _retry_after_hint(answer, now),
            "" if postponed and kind in (RateLimitError, ServerError) else _advice(kind, answer.status),
        ]

    def _scopes(self, text: str) -> str:
        """The scopes that the service names, or those that the call needs."""
        if named := _SCOPE.findall(text):
            return ", ".join(dict.fromkeys(named))
        access = "read" if self.method == "GET" else "write"
        return (
            f"api.fine_tuning.checkpoints.{access}"
            if self.admin
            else f"{access} access to files and fine-tuning"
        )

    def _sentence(self, parts: list[str], answer: Response) -> str:
        request = f"request {answer.request_id}" if answer.request_id else ""
        return self.settings.mask("; ".join(part for part in (*parts, request) if part))

    def _masked(self, value: object) -> str | None:
        return None if value is None else self.settings.mask(str(value))


def _advice(kind: type[ServiceError], status: int) -> str:
    if status in NOT_OFFERED_STATUSES:
        return "the service does not offer this: see openai-ft:service and openai-ft:unsupportedFeatures"
    return _ADVICE[kind]


def _retry_after_hint(answer: Response, now: float) -> str:
    """When the service is ready for another try, where that is too far away to wait for."""
    wait = retry_after(answer.headers, now)
    if wait is None or wait <= LONGEST_RETRY_AFTER:
        return ""
    then = datetime.fromtimestamp(now + wait, UTC)
    return f"the service asks to wait {wait:.0f} s: run the command again after {then:%Y-%m-%d %H:%M:%S} UTC"


def _redirect_hint(answer: Response) -> str:
    """Where a redirection leads. It is not followed: it would take the key along."""
    target = answer.headers.get("location", "").split("?")[0]
    if answer.status not in REDIRECTIONS or not target:
        return ""
    return f"it points to {target}: check openai-ft:baseUrl, https:// included"


def _problem(answer: Response) -> dict[str, Any] | None:
    """The error that the body holds, in the API's own form or in those of gateways.

    A gateway may pass on the page of a proxy behind it: that is no reason, and says nothing about what happened.
    """
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    texts = [body.get(name) for name in ("error", "message", "detail")]
    problem = next(({"message": text} for text in texts if isinstance(text, str)), None)
    problem = dict(body["error"]) if isinstance(body.get("error"), dict) else problem
    return None if problem and _MARKUP.search(str(problem.get("message"))) else problem


def _text(answer: Response, fields: Mapping[str, Any]) -> str:
    return str(fields.get("message") or f"status {answer.status} without a reason")


def _kind(call: RequestContext, status: int, fields: Mapping[str, Any]) -> type[ServiceError]:
    text, code = str(fields.get("message") or ""), str(fields.get("code") or "")
    if code == "training_not_available":
        return FineTuningUnavailableError
    if status == PAYMENT_REQUIRED or {code, str(fields.get("type"))} & _SPENT_CODES:
        return QuotaError
    if status == TOO_MANY:
        return _limit(call, code, text)
    if status in (UNAUTHORIZED, FORBIDDEN):
        return _no_entry(status, code, text)
    if status in SERVER_ERRORS:
        return ServerError
    return NotFoundError if status == NOT_FOUND else ServiceError


def _limit(call: RequestContext, code: str, text: str) -> type[ServiceError]:
    """Which limit is reached. Only creating something can meet a limit on jobs."""
    if _SPENT.search(text):
        return QuotaError
    by_code = call.method == "POST" and _JOB_CODE.search(code)
    by_text = call.method == "POST" and _JOBS.search(text) and _CAPPED.search(text)
    return JobLimitError if _DAILY_CODE.search(code) or by_code or by_text else RateLimitError


def _no_entry(status: int, code: str, text: str) -> type[ServiceError]:
    """Services report a missing scope as 401 or as 403, with and without a code."""
    if code == "missing_scope" or "scope" in text.lower():
        return MissingScopeError
    lacks_permission = status == FORBIDDEN and (not code or _PERMISSION.search(text))
    return MissingScopeError if lacks_permission else AuthenticationError
