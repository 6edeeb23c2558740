from __future__ import annotations

import io
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pulumi_openai_ft import errors
from pulumi_openai_ft._http import Http
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, ADMIN_KEY = "sk-proj-0123456789abcdef", "sk-admin-0123456789abcdef"


def problem(message: str = "no", code: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


class Service:
    """Answers requests in order from a script, then with 200, through httpx's own transport seam."""

    def __init__(self, *script: httpx.Response | Exception) -> None:
        self.script, self.requests, self.pauses = list(script), list[httpx.Request](), list[float]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.script.pop(0) if self.script else httpx.Response(200, json={"ok": True})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def http(self, *, admin: bool = False, **settings: Any) -> Http:
        known = Settings(api_key=KEY, admin_key=ADMIN_KEY, base_url="http://127.0.0.1:1/v1", **settings)
        return Http(known, admin=admin, transport=httpx.MockTransport(self), sleep=self.pauses.append)


def test_sends_the_project_key_organization_and_project() -> None:
    service = Service()

    service.http(organization="org-a", project="proj_a").request("GET", "/files")

    headers = service.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-a", "proj_a")


def test_sends_the_admin_key_alone_where_it_is_asked_for() -> None:
    service = Service()

    service.http(admin=True).request("GET", "/files")

    assert service.requests[0].headers["authorization"] == f"Bearer {ADMIN_KEY}"


def test_leaves_out_query_entries_that_are_none() -> None:
    service = Service()

    service.http().request("GET", "/files", params={"after": None, "limit": 3})

    assert service.requests[0].url.query == b"limit=3"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_repeats_what_can_be_repeated(method: Any, status: int) -> None:
    service = Service(httpx.Response(status, json=problem()))

    assert service.http().request(method, "/files") == {"ok": True}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(408, json=problem()),
        httpx.Response(409, json=problem()),
        httpx.Response(500, json=problem()),
        httpx.Response(502, html="<html>bad gateway</html>"),
        httpx.Response(200, content=b'{"id": "ftj'),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("dropped"),
    ],
    ids=repr,
)
def test_never_repeats_a_post_that_may_have_acted(answer: httpx.Response | Exception) -> None:
    service = Service(answer)

    with pytest.raises(errors.OpenAIFTError):
        service.http().request("POST", "/fine_tuning/jobs", body={})

    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(429, json=problem()), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")],
    ids=repr,
)
def test_repeats_a_post_that_cannot_have_acted(answer: httpx.Response | Exception) -> None:
    service = Service(answer)

    assert service.http().request("POST", "/fine_tuning/jobs", body={}) == {"ok": True}


def test_sends_the_whole_file_again_when_it_repeats_an_upload() -> None:
    service = Service(httpx.Response(429, json=problem()))

    service.http().request("POST", "/files", files={"file": ("a.jsonl", io.BytesIO(b"content"))})

    first, second = (request.content.count(b"content") for request in service.requests)
    assert first == second > 0


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, None),
        (401, None),
        (403, "training_not_available"),
        (404, None),
        (429, "insufficient_quota"),
        (422, None),
    ],
)
def test_never_repeats_what_stays_refused(status: int, code: str | None) -> None:
    service = Service(httpx.Response(status, json=problem(code=code)))

    with pytest.raises(errors.ServiceError):
        service.http().request("GET", "/files")

    assert service.pauses == []


def test_gives_up_after_the_configured_number_of_tries() -> None:
    service = Service(*[httpx.Response(500, json=problem()) for _ in range(9)])

    with pytest.raises(errors.ServerError):
        service.http(max_retries=3).request("GET", "/files")

    assert len(service.requests) == 4


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "10", "retry-after": "9"}, 0.01),
    ],
)
def test_waits_as_long_as_the_service_asks(headers: dict[str, str], seconds: float) -> None:
    service = Service(httpx.Response(429, json=problem(), headers=headers))

    service.http().request("GET", "/files")

    assert service.pauses == [seconds]


def test_understands_a_date_in_retry_after() -> None:
    service = Service(
        httpx.Response(503, json=problem(), headers={"retry-after": formatdate(time.time() + 30)})
    )

    service.http().request("GET", "/files")

    assert 28 <= service.pauses[0] <= 31


def test_does_not_wait_longer_than_two_minutes() -> None:
    service = Service(httpx.Response(429, json=problem(), headers={"retry-after": "121"}))

    with pytest.raises(errors.RateLimitError):
        service.http().request("GET", "/files")


@pytest.mark.parametrize(("status", "header", "tries"), [(400, "true", 2), (500, "false", 1)])
def test_the_service_decides_whether_to_repeat(status: int, header: str, tries: int) -> None:
    service = Service(*[httpx.Response(status, json=problem(), headers={"x-should-retry": header})])

    try:
        service.http().request("GET", "/files")
    except errors.ServiceError:
        assert tries == 1

    assert len(service.requests) == tries


def test_backs_off_with_jitter() -> None:
    service = Service(*[httpx.Response(500, json=problem()) for _ in range(4)])

    service.http(max_retries=4).request("GET", "/files")

    for pause, longest in zip(service.pauses, [0.5, 1, 2, 4], strict=True):
        assert 0.75 * longest <= pause <= longest


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            httpx.Response(401, json=problem("Incorrect API key provided", "invalid_api_key")),
            errors.AuthenticationError,
        ),
        (httpx.Response(401, json=problem("Missing scopes: api.a.read")), errors.MissingScopeError),
        (httpx.Response(403, json=problem("no", "missing_scope")), errors.MissingScopeError),
        (httpx.Response(403, json=problem("no", "training_not_available")), errors.TrainingClosedError),
        (httpx.Response(404, json=problem("No such File object", param="id")), errors.NotFoundError),
        (httpx.Response(404, text="not found"), errors.NotFoundError),
        (httpx.Response(400, json=problem(param="model")), errors.ServiceError),
        (httpx.Response(400, html="<html>"), errors.UnreadableAnswerError),
        (httpx.Response(200, html="<html>"), errors.UnreadableAnswerError),
        (httpx.Response(302, headers={"location": "/login"}), errors.UnreadableAnswerError),
    ],
    ids=repr,
)
def test_each_answer_has_its_error(answer: httpx.Response, kind: type[errors.ServiceError]) -> None:
    with pytest.raises(errors.ServiceError) as caught:
        Service(answer).http(max_retries=0).request("GET", "/files")

    assert type(caught.value) is kind


def subclasses(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in subclasses(child))]


@pytest.mark.parametrize(
    "kind", [kind for kind in subclasses(httpx.HTTPError) if kind is not httpx.HTTPStatusError]
)
def test_every_failure_of_the_http_library_becomes_one_of_ours(kind: Callable[[str], Exception]) -> None:
    with pytest.raises(
        errors.ServiceConnectionError, match=r"http://127\.0\.0\.1:1/v1.*openai-ft:baseUrl"
    ) as caught:
        Service(kind("boom")).http(max_retries=0).request("POST", "/files", body={})

    assert isinstance(caught.value.__cause__, httpx.HTTPError)


@pytest.mark.parametrize(
    ("error", "acted"),
    [
        (httpx.ConnectError("x"), False),
        (httpx.ConnectTimeout("x"), False),
        (httpx.ReadTimeout("x"), True),
        (httpx.ReadError("x"), True),
    ],
    ids=repr,
)
def test_says_whether_the_service_may_have_acted(error: Exception, acted: bool) -> None:  # noqa: FBT001
    with pytest.raises(errors.ServiceConnectionError) as caught:
        Service(error).http(max_retries=0).request("POST", "/files", body={})

    assert caught.value.may_have_acted is acted


def test_an_error_names_parameter_request_and_where_it_asked() -> None:
    answer = httpx.Response(
        404, json=problem("No such File object", param="id"), headers={"x-request-id": "req_1"}
    )

    with pytest.raises(errors.NotFoundError) as caught:
        Service(answer).http(project="proj_a").request("GET", "/files/file-1")

    assert str(caught.value) == (
        "id: No such File object; asked http://127.0.0.1:1/v1, project proj_a, project key sk-…cdef; request req_1"
    )


def test_a_missing_scope_is_named_with_where_to_get_it() -> None:
    text = "You have insufficient permissions. Missing scopes: api.fine_tuning.checkpoints.write."

    with pytest.raises(
        errors.MissingScopeError, match=r"missing: api\.fine_tuning\.checkpoints\.write; .*Owner role"
    ):
        Service(httpx.Response(401, json=problem(text))).http(admin=True).request("GET", "/x")


def test_a_key_that_the_service_echoes_is_masked() -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        Service(httpx.Response(401, json=problem(f"Incorrect API key provided: {KEY}"))).http().request(
            "GET", "/x"
        )

    assert KEY not in str(caught.value)
