from __future__ import annotations

import random
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import WALL

from pulumi_openai_ft import errors
from pulumi_openai_ft._client.retries import is_repeatable, pause_before, retry_after


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
def test_retry_after_is_understood_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, WALL) == seconds


def test_a_date_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        seconds = retry_after({"retry-after": formatdate(WALL + 30)}, WALL)
    time.tzset()

    assert seconds == 30


@given(st.fixed_dictionaries({}, optional={"retry-after": st.text(), "retry-after-ms": st.text()}))
def test_retry_after_bears_any_text(headers: dict[str, str]) -> None:
    seconds = retry_after(headers, WALL)

    assert seconds is None or 0 <= seconds <= 366 * 86400


@given(st.integers(0, 9999), st.integers(0, 99), st.sampled_from(["GMT", "-0000", "+9999", "-2359", ""]))
def test_retry_after_bears_any_date(year: int, day: int, zone: str) -> None:
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
        (error(403, errors.TrainingClosedError, should_retry=True), False),
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
def test_what_cannot_have_acted_is_repeated_where_that_helps(
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
        error(200, errors.UnreadableAnswerError),
        error(502, errors.UnreadableAnswerError, should_retry=True),
        errors.ServiceConnectionError("dropped", may_have_acted=True),
        errors.ServiceTimeoutError("slow", may_have_acted=True),
    ],
    ids=repr,
)
def test_what_may_have_acted_is_repeated_unless_it_is_a_post(failure: errors.RequestError) -> None:
    assert is_repeatable(failure, "GET")
    assert is_repeatable(failure, "DELETE")
    assert not is_repeatable(failure, "POST")
    assert is_repeatable(failure, "POST", idempotent=True)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
def test_a_page_in_place_of_an_answer_is_not_asked_for_again(status: int) -> None:
    assert not is_repeatable(error(status, errors.UnreadableAnswerError), "GET")


@pytest.mark.parametrize(("next_try", "longest"), [(2, 0.5), (3, 1), (4, 2), (5, 4), (6, 8), (7, 8), (99, 8)])
def test_pauses_grow_with_jitter(next_try: int, longest: float) -> None:
    pauses = {pause_before(next_try, error()) for _ in range(50)}

    assert all(0.75 * longest <= pause <= longest for pause in pauses)
    assert len(pauses) > 1


def test_the_service_says_how_long_to_pause() -> None:
    assert pause_before(2, error(429, retry_after=33.0)) == 33


def test_a_pause_of_nothing_is_none_that_the_service_asked_for() -> None:
    assert pause_before(2, error(429, retry_after=0.0)) >= 0.375


def test_jitter_leaves_the_random_numbers_of_the_program_alone() -> None:
    before = random.getstate()

    pause_before(2, error())

    assert random.getstate() == before
