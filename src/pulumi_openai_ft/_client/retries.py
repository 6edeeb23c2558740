"""Which failures are worth another try, and when. The rules are those of the API's official client, but for POSTs."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random
from typing import TYPE_CHECKING, Literal

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
"""Seconds; who is asked to wait longer is told so instead."""
UNDECIDED_STATUSES = frozenset({408, 409})
"""A time-out or a conflict at the service: the request may have taken effect."""
NOT_OFFERED_STATUSES = frozenset({405, 501})
TRANSIENT_STATUSES = (UNDECIDED_STATUSES | {429} | set(range(500, 600))) - NOT_OFFERED_STATUSES
SUCCESSES = range(200, 300)
NON_RETRYABLE = (JobLimitError, QuotaError, FineTuningUnavailableError)

jitter_rng = Random()  # noqa: S311 - for jitter, not for secrets
"""Ours alone: whoever has seeded the process's own random numbers gets those that they expect."""
_YEAR = 366 * 86400.0


def is_repeatable(error: BaseException, method: Method, *, idempotent: bool = False) -> bool:
    """Whether a request that failed so may be sent again, and whether that may help.

    A POST that may have acted never may, whatever the service says about it, unless it is idempotent.
    """
    if not isinstance(error, RequestError) or isinstance(error, NON_RETRYABLE):
        return False
    if method == "POST" and error.may_have_acted and not idempotent:
        return False
    return isinstance(error, ServiceConnectionError) or (isinstance(error, ServiceError) and _may_pass(error))


def _may_pass(error: ServiceError) -> bool:
    if error.retry_after is not None and error.retry_after > LONGEST_RETRY_AFTER:
        return False
    if error.should_retry is not None:
        return error.should_retry
    cut_short = isinstance(error, InvalidResponseError) and error.status in SUCCESSES
    return cut_short or error.status in TRANSIENT_STATUSES


def retrying(
    time: TimeSource, method: Method, max_retries: int, *, idempotent: bool = False
) -> tenacity.Retrying:
    """Return the rules for repeating a request: when, after which pause, and how often."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: is_repeatable(error, method, idempotent=idempotent)),
        wait=_pause,
        stop=tenacity.stop_after_attempt(max_retries + 1),
        sleep=time.sleep,
        reraise=True,
    )


_BACKOFF = tenacity.wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)


def _pause(state: tenacity.RetryCallState) -> float:
    """Return the seconds that the service asks to wait, or more from try to try, with jitter."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ServiceError) and error.retry_after:
        return error.retry_after
    return _BACKOFF(state) * (1 - JITTER * jitter_rng.random())


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the service asks to wait, at least 0, by `retry-after-ms` or else `retry-after`.

    Args:
        headers: By lower-case name.
        now: Unix seconds.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    text = headers.get("retry-after", "")
    seconds = _number(text) if milliseconds is None else milliseconds / 1000
    if seconds is None and (date := _date(text)) is not None:
        seconds = date - now
    return None if seconds is None else min(max(seconds, 0.0), _YEAR)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _date(text: str) -> float | None:
    """Unix seconds. A date without a zone is in UTC, as HTTP has it."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return None
