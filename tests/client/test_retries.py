from __future__ import annotations

import random
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import WALL, FakeClock

from pulumi_openai_ft import errors
from pulumi_openai_ft._client.retries import is_repeatable, retry_after, retrying


def error(status: int = 500, kind: type[errors.ServiceError] = errors.ServiceError, **more: Any) -> Any:
    return kind("no", status=status, **more)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "10", "retry-after": "9"}, 0.01),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": formatdate(WALL + 30, usegmt=True)}, 30),
        ({"retry-after": formatdate(WALL + 30)}, 30),
        ({"retry-after": formatdate(WALL - 30)}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, 366 * 86400),
    ],
    ids=repr,
)
def test_retry_after_parses_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, WALL) == seconds


@pytest.mark.parametrize("error", [-86400, 0, 86400])
def test_retry_after_ignores_a_wrong_clock(error: int) -> None:
    headers = {"date": formatdate(WALL, usegmt=True), "retry-after": formatdate(WALL + 30, usegmt=True)}

    assert retry_after(headers, WALL + error) == 30


def test_retry_after_without_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        seconds = retry_after({"retry-after": formatdate(WALL + 30)}, WALL)
    time.tzset()

    assert seconds == 30


@given(st.fixed_dictionaries({}, optional={"retry-after": st.text(), "retry-after-ms": st.text()}))
def test_retry_after_accepts_any_text(headers: dict[str, str]) -> None:
    seconds = retry_after(headers, WALL)

    assert seconds is None or 0 <= seconds <= 366 * 86400


@given(st.integers(0, 9999), st.integers(0, 99), st.sampled_from(["GMT", "-0000", "+9999", "-2359", ""]))
def test_retry_after_accepts_any_date(year: int, day: int, zone: str) -> None:
    seconds = retry_after({"retry-after": f"Mon, {day:02} Jan {year:04} 00:00:00 {zone}"}, WALL)

    assert seconds is None or 0 <= seconds <= 366 * 86400


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
@pytest.mark.parametrize(
    ("failure", "repeatable"),
    [
        (error(429, errors.RateLimitError), True),
        (error(429, errors.QuotaError), False),
        (error(429, errors.QuotaError, should_retry=True), False),
        (error(429, errors.JobLimitError), False),
        (error(429, errors.JobLimitError, should_retry=True), False),
        (error(403, errors.FineTuningUnavailableError, should_retry=True), False),
        (error(429, errors.RateLimitError, retry_after=120), True),
        (error(429, errors.RateLimitError, retry_after=120.1), False),
        (error(429, errors.RateLimitError, retry_after=121, should_retry=True), False),
        (error(429, errors.RateLimitError, should_retry=False), False),
        (error(400), False),
        (error(400, should_retry=True), True),
        (error(401, errors.AuthenticationError), False),
        (error(501), False),
        (error(404, errors.NotFoundError), False),
        (errors.ServiceConnectionError("refused", may_have_acted=False), True),
        (errors.SettingsError("no key"), False),
        (KeyboardInterrupt(), False),
        (OSError(), False),
    ],
    ids=repr,
)
def test_error_that_cannot_have_acted_is_repeatable_if_transient(
    method: Any,
    failure: BaseException,
    repeatable: bool,  # noqa: FBT001
) -> None:
    assert is_repeatable(failure, method) is repeatable


@pytest.mark.parametrize(
    "failure",
    [
        error(408, may_have_acted=True),
        error(409, may_have_acted=True),
        error(500, errors.ServerError),
        error(500, errors.ServerError, should_retry=True),
        error(502, errors.InvalidResponseError, should_retry=True),
        errors.ServiceConnectionError("dropped", may_have_acted=True),
        errors.ServiceTimeoutError("slow", may_have_acted=True),
    ],
    ids=repr,
)
def test_post_that_may_have_acted_repeats_only_if_idempotent(failure: errors.RequestError) -> None:
    assert is_repeatable(failure, "GET")
    assert is_repeatable(failure, "DELETE")
    assert not is_repeatable(failure, "POST")
    assert is_repeatable(failure, "POST", idempotent=True)


@pytest.mark.parametrize("should_retry", [None, False, True])
@pytest.mark.parametrize("status", [200, 201, 299])
@pytest.mark.parametrize("idempotent", [False, True])
@pytest.mark.parametrize(
    ("method", "is_json", "repeatable"),
    [
        ("GET", False, True),
        ("DELETE", False, True),
        ("POST", False, False),
        *((method, True, False) for method in ("GET", "DELETE", "POST")),
    ],
)
def test_unreadable_success_is_repeatable_only_without_json_or_post(
    *, method: Any, is_json: bool, repeatable: bool, idempotent: bool, status: int, should_retry: bool | None
) -> None:
    response = error(status, errors.InvalidResponseError, should_retry=should_retry)
    response.is_json = is_json

    assert is_repeatable(response, method, idempotent=idempotent) is repeatable


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("before", [0, 1, 3])
def test_second_response_without_json_ends_retries(method: str, before: int) -> None:
    pages = [error(200, errors.InvalidResponseError) for _ in range(9)]
    attempts = Attempts(*[error(503) for _ in range(before)], pages[0], error(503), *pages[1:])

    with pytest.raises(errors.InvalidResponseError) as caught:
        attempts.run(method)

    assert caught.value is pages[1]
    assert attempts.number == before + 3


def test_one_response_without_json_is_survived() -> None:
    attempts = Attempts(error(200, errors.InvalidResponseError), error(503))

    assert attempts.run() == "result"


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_html_page_with_error_status_is_not_repeatable(status: int) -> None:
    assert not is_repeatable(error(status, errors.InvalidResponseError), "GET")


class Attempts:
    """Raises the given failures in order, then returns."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures, self.number, self.clock = list(failures), 0, FakeClock(WALL)

    def __call__(self) -> str:
        self.number += 1
        if self.failures:
            raise self.failures.pop(0)
        return "result"

    def run(self, method: Any = "GET", max_retries: int = 99, *, idempotent: bool = False) -> str:
        """Return the result of the first attempt that succeeds."""
        result: str = retrying(self.clock.time, method, max_retries, idempotent=idempotent)(self)
        return result


def test_first_success_is_returned_without_pause() -> None:
    attempts = Attempts()

    assert attempts.run() == "result"
    assert (attempts.number, attempts.clock.pauses) == (1, [])


def pauses(*failures: errors.ServiceError) -> list[float]:
    """Return the pauses before the retries that follow the failures."""
    attempts = Attempts(*failures)
    attempts.run()
    return attempts.clock.pauses


def test_backoff_doubles_up_to_eight_seconds_with_jitter() -> None:
    runs = [pauses(*[error()] * 8) for _ in range(50)]

    for longest, pause in zip([0.5, 1, 2, 4, 8, 8, 8, 8], zip(*runs, strict=True), strict=True):
        assert all(0.75 * longest <= seconds <= longest for seconds in pause)
        assert len(set(pause)) > 1


def test_backoff_stays_within_limit_after_many_retries() -> None:
    assert 6 <= pauses(*[error()] * 99)[-1] <= 8


def test_retry_after_replaces_backoff() -> None:
    rate_limit = error(429, errors.RateLimitError, retry_after=33.0)

    assert pauses(rate_limit, error(503, retry_after=0.25)) == [33, 0.25]


def test_zero_retry_after_keeps_backoff() -> None:
    assert pauses(error(429, retry_after=0.0))[0] >= 0.375


@pytest.mark.parametrize("max_retries", [0, 1, 4])
def test_last_error_is_raised_after_max_retries(max_retries: int) -> None:
    failures = [error() for _ in range(9)]
    attempts = Attempts(*failures)

    with pytest.raises(errors.ServiceError) as caught:
        attempts.run(max_retries=max_retries)

    assert caught.value is failures[max_retries]
    assert (attempts.number, len(attempts.clock.pauses)) == (max_retries + 1, max_retries)


def test_error_that_is_not_repeatable_ends_retries() -> None:
    attempts = Attempts(error(503), error(400))

    with pytest.raises(errors.ServiceError) as caught:
        attempts.run()

    assert (caught.value.status, attempts.number) == (400, 2)


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt(), OSError(), errors.SettingsError("no key")], ids=repr
)
def test_other_exceptions_propagate_without_retry(failure: BaseException) -> None:
    attempts = Attempts(failure)

    with pytest.raises(type(failure)) as caught:
        attempts.run()

    assert caught.value is failure
    assert (attempts.number, attempts.clock.pauses) == (1, [])


def test_post_that_may_have_acted_is_not_retried() -> None:
    attempts = Attempts(error(500, errors.ServerError))

    with pytest.raises(errors.ServerError):
        attempts.run("POST")

    assert attempts.number == 1


def test_post_that_cannot_have_acted_is_retried() -> None:
    attempts = Attempts(error(429, errors.RateLimitError))

    assert attempts.run("POST") == "result"
    assert attempts.number == 2


def test_idempotent_post_is_retried() -> None:
    attempts = Attempts(error(500, errors.ServerError))

    assert attempts.run("POST", idempotent=True) == "result"
    assert attempts.number == 2


def test_jitter_does_not_use_the_global_random_generator() -> None:
    before = random.getstate()

    assert pauses(error())

    assert random.getstate() == before
