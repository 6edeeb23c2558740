from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import WALL

from pulumi_openai_ft import errors
from pulumi_openai_ft._client.error_mapping import Answer, Call
from pulumi_openai_ft._settings import Settings

KEY, ADMIN_KEY = "sk-proj-0123456789abcdef", "sk-admin-0123456789abcdef"
URL = "http://127.0.0.1:1/v1"
PAGE = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"
JOBS = "/fine_tuning/jobs"


def call(method: Any = "GET", path: str = "/files/file-1", *, admin: bool = False, **settings: Any) -> Call:
    return Call(
        Settings(**{"api_key": KEY, "admin_key": ADMIN_KEY, "base_url": URL, **settings}), admin, method, path
    )


def answer(status: int, message: str | None = "no", *, headers: Any = None, **fields: Any) -> Answer:
    body = {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}
    }
    return Answer(status, headers or {}, json.dumps(body).encode())


def page(
    status: int, content: bytes = PAGE, kind: str = "text/html; charset=utf-8", **headers: str
) -> Answer:
    return Answer(status, {"content-type": kind, **headers}, content)


PER_DAY = (
    "Your organization has reached the maximum of 8 fine-tuning requests per day for the model 'gpt-4o'."
)
AT_A_TIME = "This organization has 3 active fine-tuning job(s), the most it may have at a time."
RATE = (
    "Rate limit reached for gpt-4o in organization org-a on requests per day (RPD): Limit 10000, Used 10000."
)


@pytest.mark.parametrize(
    ("given_answer", "kind"),
    [
        (answer(400, param="model"), errors.ServiceError),
        (answer(422), errors.ServiceError),
        (answer(401, "Incorrect API key provided", code="invalid_api_key"), errors.AuthenticationError),
        (answer(401, "Missing scopes: api.a.read"), errors.MissingScopeError),
        (answer(403, code="missing_scope"), errors.MissingScopeError),
        (answer(403), errors.MissingScopeError),
        (answer(403, "You lack the role", code="forbidden"), errors.MissingScopeError),
        (answer(403, "No service in your country", code="unsupported_country"), errors.AuthenticationError),
        (answer(403, code="training_not_available"), errors.TrainingClosedError),
        (answer(404, "No such File object", param="id"), errors.NotFoundError),
        (answer(402, "pay"), errors.QuotaError),
        (answer(400, code="billing_hard_limit_reached"), errors.QuotaError),
        (answer(429, code="insufficient_quota"), errors.QuotaError),
        (answer(429, type="insufficient_quota"), errors.QuotaError),
        (answer(429, "You exceeded your current quota, check your plan"), errors.QuotaError),
        (answer(429, "The project has reached its spend cap"), errors.QuotaError),
        (answer(429, code="rate_limit_exceeded"), errors.RateLimitError),
        (answer(429, type="rate_limit_error", code="slow_down"), errors.RateLimitError),
        (answer(429, RATE, code="rate_limit_exceeded"), errors.RateLimitError),
        (answer(429, "Too many concurrent requests"), errors.RateLimitError),
        (answer(429, "Too many fine-tuning requests, slow down"), errors.RateLimitError),
        (answer(429, code="daily_rate_limit_exceeded"), errors.JobLimitError),
        (answer(429, PER_DAY), errors.JobLimitError),
        (answer(429, AT_A_TIME, code="rate_limit_exceeded"), errors.JobLimitError),
        (answer(429, code="concurrent_jobs_limit"), errors.JobLimitError),
        (answer(500), errors.ServerError),
        (answer(503, type="service_unavailable_error", code="server_is_overloaded"), errors.ServerError),
        (page(429), errors.RateLimitError),
        *(
            (page(status), errors.UnreadableAnswerError)
            for status in (302, 400, 401, 403, 404, 408, 502, 503)
        ),
        (page(404, b"not found", "text/plain"), errors.UnreadableAnswerError),
        (page(500, b"", ""), errors.UnreadableAnswerError),
        (page(500, b"[]", "application/json"), errors.UnreadableAnswerError),
        (page(500, b"[" * 100_000, "application/json"), errors.UnreadableAnswerError),
        (answer(502, f"upstream said {PAGE.decode()}"), errors.UnreadableAnswerError),
        (page(401, b'{"detail": "Invalid key"}', "application/json"), errors.AuthenticationError),
        (
            page(401, b'{"statusCode": 401, "message": "no key"}', "application/json"),
            errors.AuthenticationError,
        ),
        (page(404, b'{"error": "no such file"}', "application/json"), errors.NotFoundError),
    ],
    ids=lambda value: (
        f"{value.status} {value.content[:90]!r}" if isinstance(value, Answer) else value.__name__
    ),
)
def test_each_answer_has_its_error(given_answer: Answer, kind: type[errors.ServiceError]) -> None:
    assert type(call("POST", JOBS).refused(given_answer, WALL)) is kind


@pytest.mark.parametrize("text", [PER_DAY, AT_A_TIME])
def test_only_creating_something_can_meet_a_limit_on_jobs(text: str) -> None:
    assert type(call("GET", JOBS).refused(answer(429, text), WALL)) is errors.RateLimitError


@pytest.mark.parametrize(
    ("given_answer", "acted"),
    [
        *((answer(status), False) for status in (400, 401, 403, 404, 422, 429)),
        *((answer(status), True) for status in (408, 409, 500, 502, 503, 504)),
        *((page(status), True) for status in (302, 400, 403, 404, 429, 500, 502, 503, 504)),
        (answer(400, PAGE.decode()), True),
    ],
    ids=lambda value: f"{value.status} {value.content[:9]!r}" if isinstance(value, Answer) else str(value),
)
def test_only_the_refusal_of_the_service_itself_proves_that_nothing_happened(
    given_answer: Answer,
    acted: bool,  # noqa: FBT001
) -> None:
    assert call("POST").refused(given_answer, WALL).may_have_acted is acted


def test_an_error_carries_what_the_service_said() -> None:
    headers = {"x-request-id": "req_1", "retry-after": "7", "x-should-retry": "true"}

    error = call().refused(answer(429, code="slow_down", param="n", headers=headers), WALL)

    assert (error.status, error.code, error.param, error.request_id) == (429, "slow_down", "n", "req_1")
    assert (error.retry_after, error.should_retry) == (7, True)


def test_a_code_may_be_a_number() -> None:
    assert call().refused(answer(400, code=400), WALL).code == "400"


def test_an_error_names_what_where_whom_and_what_to_do() -> None:
    headers = {"x-request-id": "req_1"}

    error = call(project="proj_a").refused(
        answer(404, "No such File object.", param="id", headers=headers), WALL
    )

    assert str(error) == (
        "id: No such File object (GET /files/file-1, status 404); asked http://127.0.0.1:1/v1, project proj_a, project "
        "key sk-…cdef; check that the id, the key, openai-ft:project and openai-ft:baseUrl belong together (refresh and "
        "destroy use the configuration of the last `pulumi up` unless run with --run-program); request req_1"
    )


@pytest.mark.parametrize(
    ("given_answer", "advice"),
    [
        (answer(400), "correct what it names"),
        (
            answer(401, code="invalid_api_key"),
            r"set a valid key with `pulumi config set --secret openai-ft:apiKey`",
        ),
        (
            answer(403, code="training_not_available"),
            "2027-01-06.*openai-ft:baseUrl can name another service",
        ),
        (answer(429), "wait a minute, then run the command again"),
        (answer(429, code="insufficient_quota"), "billing and spend limits, then run the command again"),
        (
            answer(429, PER_DAY),
            "maximum of 8 fine-tuning requests per day.*wait until.*then run the command again",
        ),
        (answer(500), "run the command again later"),
        (page(502), "check openai-ft:baseUrl, and any proxy on the way"),
        (page(405), "the service does not offer this: see openai-ft:service"),
        (answer(501), "the service does not offer this: see openai-ft:service"),
    ],
    ids=lambda value: f"{value.status} {value.content[:60]!r}" if isinstance(value, Answer) else "",
)
def test_each_error_says_what_to_do(given_answer: Answer, advice: str) -> None:
    with pytest.raises(errors.ServiceError, match=advice):
        raise call("POST", JOBS).refused(given_answer, WALL)


def test_a_wait_that_is_too_long_is_told_with_its_end() -> None:
    error = call().refused(answer(429, headers={"retry-after": "3600"}), WALL)

    assert str(error).endswith(
        "; the service asks to wait 3600 s: run the command again after 2027-01-15 09:00:00 UTC"
    )


def test_a_limit_on_jobs_is_told_with_the_remedy_and_when_it_ends() -> None:
    error = call("POST", JOBS).refused(answer(429, PER_DAY, headers={"retry-after": "3600"}), WALL)

    assert "after 2027-01-15 09:00:00 UTC; nothing was created; limits are per organization and model" in str(
        error
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_scope_is_named_with_where_to_get_it(status: int) -> None:
    text = "You have insufficient permissions. Missing scopes: api.fine_tuning.checkpoints.write."

    error = call("POST", "/x", admin=True).refused(answer(status, text), WALL)

    assert "; missing: api.fine_tuning.checkpoints.write; give the key that scope where it was made" in str(
        error
    )
    assert f"asked {URL}, the key's own project, admin key sk-…cdef" in str(error)


@pytest.mark.parametrize(
    ("method", "admin", "scope"),
    [
        ("GET", True, "api.fine_tuning.checkpoints.read"),
        ("POST", True, "api.fine_tuning.checkpoints.write"),
        ("DELETE", True, "api.fine_tuning.checkpoints.write"),
        ("GET", False, "read access to files and fine-tuning"),
        ("POST", False, "write access to files and fine-tuning"),
    ],
)
def test_a_scope_that_the_service_does_not_name_follows_from_the_call(
    method: str,
    admin: bool,  # noqa: FBT001
    scope: str,
) -> None:
    error = call(method, "/x", admin=admin).refused(answer(403, code="missing_scope"), WALL)

    assert f"; missing: {scope}; " in str(error)


@pytest.mark.parametrize(
    "given_answer",
    [page(502), page(403), page(200), page(429), answer(500, f"proxy: {PAGE.decode()}")],
    ids=lambda value: str(value.status),
)
def test_a_page_is_never_quoted(given_answer: Answer) -> None:
    error = call().refused(given_answer, WALL)

    assert "<" not in str(error)
    assert "gateway" not in str(error)
    assert f"status {given_answer.status}" in str(error)


def test_a_redirection_is_told_and_not_followed() -> None:
    error = call().unreadable(page(301, location="https://user:password@api.example/v1?key=secret"), WALL)

    assert "it points to https://…@api.example/v1: check openai-ft:baseUrl" in str(error)


def test_an_answer_of_another_shape_is_told_with_the_reason() -> None:
    error = call().unreadable(page(200, b"{}", "application/json"), WALL, "no Job: id: Field required")

    assert str(error) == (
        "http://127.0.0.1:1/v1 answered GET /files/file-1 with something that is not the API's JSON (status 200, "
        "application/json, no Job: id: Field required); check openai-ft:baseUrl, and any proxy on the way"
    )


def test_a_request_without_an_answer_names_address_project_and_kind_of_key() -> None:
    error = call(admin=True, project="proj_a").unanswered(
        "Connection refused", timed_out=False, may_have_acted=False
    )

    assert str(error) == (
        "no answer from http://127.0.0.1:1/v1 to GET /files/file-1 for project proj_a, admin key sk-…cdef (Connection "
        "refused): check openai-ft:baseUrl (or OPENAI_BASE_URL; refresh and destroy use the configuration of the last "
        "`pulumi up` unless run with --run-program) and the network, then run the command again"
    )


def test_an_unknown_certificate_has_its_own_remedy() -> None:
    reason = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"

    error = call().unanswered(reason, timed_out=False, may_have_acted=False)

    assert "with SSL_CERT_FILE" in str(error)


KEYS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_+/=.%", min_size=20, max_size=60)
"""Long and without the blanks, colons and capitals that our own words have, so that these cannot spell a key."""


@given(
    KEYS,
    KEYS,
    st.lists(st.one_of(st.sampled_from([0, 1]), st.text(max_size=8)), max_size=4),
    st.integers(100, 599),
    st.sampled_from(["GET", "POST", "DELETE"]),
)
def test_no_message_holds_a_key_whatever_the_service_echoes(
    key: str, rest: str, echoed: list[int | str], status: int, method: str
) -> None:
    keys = [key, key + rest]
    echo = " ".join(keys[part] if isinstance(part, int) else part for part in echoed)
    problem = json.dumps({"error": dict.fromkeys(("message", "code", "param", "type"), echo)})
    headers = dict.fromkeys(
        ("content-type", "location", "x-request-id", "retry-after", "x-should-retry"), echo
    )
    told: list[Exception] = []
    for admin in (False, True):
        asked = call(method, f"/files/{echo}", admin=admin, api_key=keys[0], admin_key=keys[1])
        told += [asked.refused(Answer(status, headers, body.encode()), WALL) for body in (problem, echo)]
        told += [asked.unreadable(Answer(status, headers, b""), WALL, echo)]
        told += [asked.unanswered(echo, timed_out=True, may_have_acted=True)]

    assert not any(known in f"{error} {vars(error)}" for error in told for known in keys)
