"""Retry rules: which failed requests to repeat, and when. They follow the `openai` client, except for POST requests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random
from typing import TYPE_CHECKING, Literal, TypeGuard

import tenacity

from pulumi_openai_ft.errors import (
    FineTuningUnavailableError,
    InvalidResponseError,
    JobLimitError,
    QuotaError,
    RequestError,
    ServiceConnectionError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._shared.clock import TimeSource

Method = Literal["GET", "POST", "DELETE"]

FIRST_WAIT, LONGEST_WAIT, JITTER = 0.5, 8.0, 0.25
LONGEST_RETRY_AFTER = 120.0
"""Maximum number of seconds to wait for a retry. A longer wait is an error that states it."""
MAX_UNREADABLE_RETRIES = 1
"""Repetitions of a request whose response has a 2xx status but is not JSON.

A proxy may return its own page once, for example while it restarts. If the page comes twice, it is what this address
returns, and further requests would not change that.
"""
UNDECIDED_STATUSES = frozenset({408, 409, 499})
"""Timeout, conflict or closed connection at the service: the request may have taken effect."""
NOT_OFFERED_STATUSES = frozenset({405, 501})
TRANSIENT_STATUSES = (UNDECIDED_STATUSES | {429} | set(range(500, 600))) - NOT_OFFERED_STATUSES
SUCCESSES = range(200, 300)
NON_RETRYABLE = (JobLimitError, QuotaError, FineTuningUnavailableError)

jitter_rng = Random()  # noqa: S311 - for jitter, not for secrets
"""A private generator, so that jitter does not disturb a globally seeded `random`."""
_YEAR = 366 * 86400.0


def is_repeatable(error: BaseException, method: Method, *, idempotent: bool = False) -> bool:
    """Return whether a failed request may be repeated and a retry can help.

    A POST that may have taken effect is never repeated, even if `x-should-retry` is true, unless it is idempotent. A
    response that arrived with a 2xx status but cannot be understood is requested again only if it is not JSON and the
    request is not a POST, and then `MAX_UNREADABLE_RETRIES` times.
    """
    if not isinstance(error, RequestError) or isinstance(error, NON_RETRYABLE):
        return False
    if _is_unreadable(error):
        return method != "POST" and not error.is_json
    if method == "POST" and error.may_have_acted and not idempotent:
        return False
    return isinstance(error, ServiceConnectionError) or (
        isinstance(error, ServiceError) and _is_transient(error)
    )


def _is_transient(error: ServiceError) -> bool:
    if error.retry_after is not None and error.retry_after > LONGEST_RETRY_AFTER:
        return False
    if error.should_retry is not None:
        return error.should_retry
    return error.status in TRANSIENT_STATUSES


def _is_unreadable(error: BaseException) -> TypeGuard[InvalidResponseError]:
    return isinstance(error, InvalidResponseError) and error.status in SUCCESSES


@dataclass(slots=True)
class _RetryRule:
    """The condition under which a request is sent again. It counts the unreadable responses to this request."""

    method: Method
    idempotent: bool
    unreadable: int = 0

    def __call__(self, error: BaseException) -> bool:
        self.unreadable += _is_unreadable(error)
        return self.unreadable <= MAX_UNREADABLE_RETRIES and is_repeatable(
            error, self.method, idempotent=self.idempotent
        )


def retrying(
    time: TimeSource, method: Method, max_retries: int, *, idempotent: bool = False
) -> tenacity.Retrying:
    """Return the retry policy of a request: conditions, waiting times and number of attempts."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_RetryRule(method, idempotent)),
        wait=_pause,
        stop=tenacity.stop_after_attempt(max_retries + 1),
        sleep=time.sleep,
        reraise=True,
    )


_BACKOFF = tenacity.wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)


def _pause(state: tenacity.RetryCallState) -> float:
    """Return the seconds to wait: the service's `retry-after`, or an exponential backoff with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ServiceError) and error.retry_after:
        return error.retry_after
    return _BACKOFF(state) * (1 - JITTER * jitter_rng.random())


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait from `retry-after-ms` or else `retry-after`, at least 0; None without a valid header.

    Args:
        headers: Header values by lower-case name.
        now: Current Unix seconds, for a response without a `date` header.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    text = headers.get("retry-after", "")
    seconds = _number(text) if milliseconds is None else milliseconds / 1000
    if seconds is None and (date := http_date(text)) is not None:
        sent = http_date(headers.get("date", ""))  # by the service's clock, like the other date
        seconds = date - (now if sent is None else sent)
    return None if seconds is None else min(max(seconds, 0.0), _YEAR)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number


def http_date(text: str) -> float | None:
    """Parse an HTTP date and return Unix seconds, or None. A date without a time zone is in UTC."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
