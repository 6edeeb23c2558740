from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import WALL

from pulumi_openai_ft import errors
from pulumi_openai_ft._client.error_mapping import RequestContext, Response
from pulumi_openai_ft._settings import Settings

KEY, ADMIN_KEY = "sk-proj-0123456789abcdef", "sk-admin-0123456789abcdef"
URL = "http://127.0.0.1:1/v1"
PAGE = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"
JOBS = "/fine_tuning/jobs"


def context(
    method: Any = "GET", path: str = "/files/file-1", *, admin: bool = False, **settings: Any
) -> RequestContext:
    return RequestContext(
        Settings(**{"api_key": KEY, "admin_key": ADMIN_KEY, "base_url": URL, **settings}), admin, method, path
    )


def api_response(status: int, message: str | None = "no", *, headers: Any = None, **fields: Any) -> Response:
    body = {
        "error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}
    }
    return Response(status, headers or {}, json.dumps(body).encode())


def html_page(
    status: int, content: bytes = PAGE, kind: str = "text/html; charset=utf-8", **headers: str
) -> Response:
    return Response(status, {"content-type": kind, **headers}, content)


def framework_error(status: int) -> Response:
    body = b'{"detail": [{"loc": ["body", "seed"], "msg": "Input should be a valid integer", "type": "int"}]}'
    return html_page(status, body, "application/json")


PER_DAY = (
    "Your organization has reached the maximum of 8 fine-tuning requests per day for the model 'gpt-4o'."
)
AT_A_TIME = "This organization has 3 active fine-tuning job(s), the most it may have at a time."
RATE = (
    "Rate limit reached for gpt-4o in organization org-a on requests per day (RPD): Limit 10000, Used 10000."
)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (api_response(400, param="model"), errors.ServiceError),
        (api_response(422), errors.ServiceError),
        (api_response(401, "Incorrect API key provided", code="invalid_api_key"), errors.AuthenticationError),
        (api_response(401, "Missing scopes: api.a.read"), errors.MissingScopeError),
        (api_response(403, code="missing_scope"), errors.MissingScopeError),
        (api_response(403), errors.MissingScopeError),
        (api_response(403, "You lack the role", code="forbidden"), errors.MissingScopeError),
        (
            api_response(403, "No service in your country", code="unsupported_country"),
            errors.AuthenticationError,
        ),
        (api_response(403, code="training_not_available"), errors.FineTuningUnavailableError),
        (api_response(404, "No such File object", param="id"), errors.NotFoundError),
        (api_response(402, "pay"), errors.QuotaError),
        (api_response(400, code="billing_hard_limit_reached"), errors.QuotaError),
        (api_response(429, code="insufficient_quota"), errors.QuotaError),
        (api_response(429, type="insufficient_quota"), errors.QuotaError),
        (api_response(429, "You exceeded your current quota, check your plan"), errors.QuotaError),
        (api_response(429, "The project has reached its spend cap"), errors.QuotaError),
        (api_response(429, code="rate_limit_exceeded"), errors.RateLimitError),
        (api_response(429, type="rate_limit_error", code="slow_down"), errors.RateLimitError),
        (api_response(429, RATE, code="rate_limit_exceeded"), errors.RateLimitError),
        (api_response(429, "Too many concurrent requests"), errors.RateLimitError),
        (api_response(429, "Too many fine-tuning requests, slow down"), errors.RateLimitError),
        (api_response(429, code="daily_rate_limit_exceeded"), errors.JobLimitError),
        (api_response(429, PER_DAY), errors.JobLimitError),
        (api_response(429, AT_A_TIME, code="rate_limit_exceeded"), errors.JobLimitError),
        (api_response(429, code="concurrent_jobs_limit"), errors.JobLimitError),
        (api_response(500), errors.ServerError),
        (
            api_response(503, type="service_unavailable_error", code="server_is_overloaded"),
            errors.ServerError,
        ),
        (html_page(429), errors.RateLimitError),
        *(
            (html_page(status), errors.InvalidResponseError)
            for status in (302, 400, 401, 403, 404, 408, 502, 503)
        ),
        (html_page(404, b"not found", "text/plain"), errors.InvalidResponseError),
        (html_page(500, b"", ""), errors.InvalidResponseError),
        (html_page(500, b"[]", "application/json"), errors.InvalidResponseError),
        (html_page(500, b"[" * 100_000, "application/json"), errors.InvalidResponseError),
        (api_response(502, f"upstream said {PAGE.decode()}"), errors.InvalidResponseError),
        (html_page(401, b'{"detail": "Invalid key"}', "application/json"), errors.AuthenticationError),
        (
            html_page(401, b'{"statusCode": 401, "message": "no key"}', "application/json"),
            errors.AuthenticationError,
        ),
        (html_page(404, b'{"error": "no such file"}', "application/json"), errors.NotFoundError),
    ],
    ids=lambda value: (
        f"{value.status} {value.content[:90]!r}" if isinstance(value, Response) else value.__name__
    ),
)
def test_response_maps_to_error_class(response: Response, kind: type[errors.ServiceError]) -> None:
    assert type(context("POST", JOBS).api_error(response, WALL)) is kind


@pytest.mark.parametrize("text", [PER_DAY, AT_A_TIME])
def test_get_never_raises_job_limit_error(text: str) -> None:
    assert type(context("GET", JOBS).api_error(api_response(429, text), WALL)) is errors.RateLimitError


@pytest.mark.parametrize(
    ("response", "acted"),
    [
        *((api_response(status), False) for status in (400, 401, 403, 404, 422, 429)),
        *((api_response(status), True) for status in (302, 408, 409, 499, 500, 502, 503, 504)),
        *((framework_error(status), False) for status in (400, 401, 403, 404, 422, 429)),
        *((framework_error(status), True) for status in (302, 408, 409, 499, 500, 502, 503, 504)),
        *((html_page(status), True) for status in (302, 400, 403, 404, 429, 500, 502, 503, 504)),
        (api_response(400, PAGE.decode()), True),
    ],
    ids=lambda value: f"{value.status} {value.content[:9]!r}" if isinstance(value, Response) else str(value),
)
def test_only_api_rejections_prove_that_nothing_happened(
    response: Response,
    acted: bool,  # noqa: FBT001
) -> None:
    assert context("POST").api_error(response, WALL).may_have_acted is acted


def test_error_exposes_fields_and_headers_of_response() -> None:
    headers = {"x-request-id": "req_1", "retry-after": "7", "x-should-retry": "true"}

    response = api_response(429, f"too fast: {KEY}", code="slow_down", param="n", headers=headers)
    error = context().api_error(response, WALL)

    assert error.reason == "too fast: sk-…cdef"
    assert (error.status, error.code, error.param, error.request_id) == (429, "slow_down", "n", "req_1")
    assert (error.retry_after, error.should_retry) == (7, True)


def test_validation_error_of_a_framework_names_the_property() -> None:
    error = context("POST", JOBS).api_error(framework_error(422), WALL)

    assert str(error) == (
        "seed: Input should be a valid integer (POST /fine_tuning/jobs, status 422); fix the problem, then run the "
        "command again"
    )
    assert error.param == "seed"


def test_numeric_code_becomes_a_string() -> None:
    assert context().api_error(api_response(400, code=400), WALL).code == "400"


def test_error_message_names_cause_request_key_and_remedy() -> None:
    headers = {"x-request-id": "req_1"}

    error = context(project="proj_a").api_error(
        api_response(404, "No such File object.", param="id", headers=headers), WALL
    )

    assert str(error) == (
        "id: No such File object (GET /files/file-1, status 404); sent to http://127.0.0.1:1/v1, project proj_a, project "
        "key sk-…cdef; check that the id, the key, openai-ft:project and openai-ft:baseUrl belong together (refresh and "
        "destroy use the configuration of the last `pulumi up` unless you add --run-program); request req_1"
    )


@pytest.mark.parametrize(
    ("response", "advice"),
    [
        (api_response(400), "fix the problem, then run the command again"),
        (
            api_response(401, code="invalid_api_key"),
            r"set a valid key with `pulumi config set --secret openai-ft:apiKey`",
        ),
        (
            api_response(403, code="training_not_available"),
            "2027-01-06.*set openai-ft:baseUrl to another service",
        ),
        (api_response(429), "wait a minute, then run the command again"),
        (
            api_response(429, code="insufficient_quota"),
            "billing and spend limits, then run the command again",
        ),
        (
            api_response(429, PER_DAY),
            "maximum of 8 fine-tuning requests per day.*wait until.*then run the command again",
        ),
        (api_response(500), "run the command again later"),
        (html_page(502), "check openai-ft:baseUrl and any proxy in between"),
        (html_page(405), "the service does not support this request: see openai-ft:service"),
        (api_response(501), "the service does not support this request: see openai-ft:service"),
    ],
    ids=lambda value: f"{value.status} {value.content[:60]!r}" if isinstance(value, Response) else "",
)
def test_error_message_contains_remedy(response: Response, advice: str) -> None:
    with pytest.raises(errors.ServiceError, match=advice):
        raise context("POST", JOBS).api_error(response, WALL)


@pytest.mark.parametrize("param", ["training_file", "validation_file"])
@pytest.mark.parametrize(
    "text",
    [
        "invalid {param}: file-1",
        "Invalid {param}: the file does not exist",
        "File file-1 was not found.",
        "No such File object: file-1",
        "File file-1 has purpose 'assistants', but '{param}' needs a file with purpose 'fine-tune'.",
        "The file file-1 has been deleted.",
        "The file file-1 has expired.",
    ],
)
@pytest.mark.parametrize("status", [400, 404, 422])
def test_unusable_file_names_property_project_and_next_step(param: str, text: str, status: int) -> None:
    response = api_response(status, text.format(param=param), param=param)

    error = str(context("POST", JOBS).api_error(response, WALL))

    assert f"sent to {URL}" in error
    assert (
        f'; set {param} to a file of this project with purpose "fine-tune": pass a `File`, or its `id`.'
        in error
    )
    assert "run `pulumi refresh`, then `pulumi up`" in error
    assert "fix the problem" not in error


@pytest.mark.parametrize(
    ("param", "text"),
    [
        ("training_file", "File file-1 is still being processed and is not ready to be used."),
        ("training_file", "Invalid training file: line 3 is not JSON"),
        ("model", "The model does not exist"),
        (None, "invalid training_file: file-1"),
    ],
)
def test_other_problems_keep_their_advice(param: str | None, text: str) -> None:
    error = str(context("POST", JOBS).api_error(api_response(400, text, param=param), WALL))

    assert error.endswith("; fix the problem, then run the command again")


def test_long_retry_after_is_reported_with_end_time() -> None:
    error = context().api_error(api_response(429, headers={"retry-after": "3600"}), WALL)

    assert str(error).endswith(
        "; the service requested a wait of 3600 s: run the command again after 2027-01-15 09:00:00 UTC"
    )


def test_job_limit_error_reports_remedy_and_end_time() -> None:
    error = context("POST", JOBS).api_error(api_response(429, PER_DAY, headers={"retry-after": "3600"}), WALL)

    assert (
        "after 2027-01-15 09:00:00 UTC; nothing was created; limits apply per organization and model"
        in str(error)
    )


@pytest.mark.parametrize("status", [401, 403])
def test_missing_scope_error_names_scope_and_key(status: int) -> None:
    text = "You have insufficient permissions. Missing scopes: api.fine_tuning.checkpoints.write."

    error = context("POST", "/x", admin=True).api_error(api_response(status, text), WALL)

    assert "; missing: api.fine_tuning.checkpoints.write; add this scope to the key" in str(error)
    assert f"sent to {URL}, the key's own project, admin key sk-…cdef" in str(error)


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
def test_unnamed_scope_is_derived_from_the_request(
    method: str,
    admin: bool,  # noqa: FBT001
    scope: str,
) -> None:
    error = context(method, "/x", admin=admin).api_error(api_response(403, code="missing_scope"), WALL)

    assert f"; missing: {scope}; " in str(error)


@pytest.mark.parametrize(
    "response",
    [
        html_page(502),
        html_page(403),
        html_page(200),
        html_page(429),
        api_response(500, f"proxy: {PAGE.decode()}"),
    ],
    ids=lambda value: str(value.status),
)
def test_html_page_is_never_quoted(response: Response) -> None:
    error = context().api_error(response, WALL)

    assert "<" not in str(error)
    assert "gateway" not in str(error)
    assert f"status {response.status}" in str(error)


def test_redirect_error_reports_target_without_credentials() -> None:
    error = context().unreadable(
        html_page(301, location="https://user:password@api.example/v1?key=secret"), WALL
    )

    assert "it redirects to https://…@api.example/v1: check openai-ft:baseUrl" in str(error)
    assert "password" not in str(error)
    assert "secret" not in str(error)


def test_unreadable_response_error_reports_reason() -> None:
    error = context().unreadable(
        html_page(200, b"{}", "application/json"), WALL, "not a valid Job: id: Field required"
    )

    assert str(error) == (
        "unexpected response from http://127.0.0.1:1/v1 to GET /files/file-1 (status 200, application/json, "
        "not a valid Job: id: Field required); check openai-ft:baseUrl and any proxy in between"
    )


def test_connection_error_names_url_project_and_key() -> None:
    error = context(admin=True, project="proj_a").connection_error(
        "Connection refused", timed_out=False, may_have_acted=False
    )

    assert str(error) == (
        "no response from http://127.0.0.1:1/v1 to GET /files/file-1 for project proj_a, admin key sk-…cdef (Connection "
        "refused): check openai-ft:baseUrl (or OPENAI_BASE_URL; refresh and destroy use the configuration of the last "
        "`pulumi up` unless you add --run-program) and the network, then run the command again"
    )


def test_certificate_error_suggests_ssl_cert_file() -> None:
    reason = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"

    error = context().connection_error(reason, timed_out=False, may_have_acted=False)

    assert "set SSL_CERT_FILE" in str(error)


KEYS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_+/=.%", min_size=20, max_size=60)
"""Long, without the blanks, colons and capitals of this package's messages, so that no message contains a key
by chance.
"""


@given(
    KEYS,
    KEYS,
    st.lists(st.one_of(st.sampled_from([0, 1]), st.text(max_size=8)), max_size=4),
    st.integers(100, 599),
    st.sampled_from(["GET", "POST", "DELETE"]),
)
def test_error_messages_never_contain_keys(
    key: str, rest: str, echoed: list[int | str], status: int, method: str
) -> None:
    keys = [key, key + rest]
    echo = " ".join(keys[part] if isinstance(part, int) else part for part in echoed)
    problem = json.dumps({"error": dict.fromkeys(("message", "code", "param", "type"), echo)})
    headers = dict.fromkeys(
        ("content-type", "location", "x-request-id", "retry-after", "x-should-retry"), echo
    )
    reported: list[Exception] = []
    for admin in (False, True):
        request = context(method, f"/files/{echo}", admin=admin, api_key=keys[0], admin_key=keys[1])
        reported += [
            request.api_error(Response(status, headers, body.encode()), WALL) for body in (problem, echo)
        ]
        reported += [request.unreadable(Response(status, headers, b""), WALL, echo)]
        reported += [request.connection_error(echo, timed_out=True, may_have_acted=True)]

    assert not any(known in f"{error} {vars(error)}" for error in reported for known in keys)
