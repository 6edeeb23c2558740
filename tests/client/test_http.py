from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.fake_clock import WALL, FakeClock
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft import errors
from pulumi_openai_ft._client.http import Http
from pulumi_openai_ft._client.rate_limit import Pace
from pulumi_openai_ft._client.transport import CONNECT_TIMEOUT, Form
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.emulator import Emulator

URL = "http://127.0.0.1:1/v1"
JOBS = "/fine_tuning/jobs"


def problem(message: str = "no", code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


class Service:
    """Answers requests in order from a script, then with 200, through httpx's own transport seam."""

    def __init__(self, *script: httpx.Response | Exception) -> None:
        self.script, self.requests, self.sleeper = list(script), list[httpx.Request](), FakeClock(WALL)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.script.pop(0) if self.script else httpx.Response(200, json={"ok": True})
        if isinstance(answer, Exception):
            raise answer
        return answer

    def http(self, *, admin: bool = False, pace: Pace | None = None, **settings: Any) -> Http:
        known = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=URL, **settings)
        return Http(
            known, admin=admin, transport=httpx.MockTransport(self), time=self.sleeper.time, pace=pace
        )


def test_sends_the_project_key_organization_and_project() -> None:
    service = Service()

    service.http(organization="org-a", project="proj_a").request("GET", "/files")

    headers = service.requests[0].headers
    assert headers["authorization"] == f"Bearer {API_KEY}"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-a", "proj_a")


def test_sends_the_admin_key_alone_where_it_is_asked_for() -> None:
    service = Service()

    service.http(admin=True, project="proj_a").request("GET", "/files")

    assert service.requests[0].headers["authorization"] == f"Bearer {ADMIN_KEY}"
    assert "openai-project" not in service.requests[0].headers


def test_needs_no_key_before_it_sends() -> None:
    http = Http(Settings())

    with pytest.raises(errors.SettingsError, match="no API key is set"):
        http.request("GET", "/files")


def test_leaves_out_query_entries_that_are_none() -> None:
    service = Service()

    service.http().request("GET", "/files", params={"after": None, "limit": 3})

    assert service.requests[0].url.query == b"limit=3"


def test_gives_what_the_reader_makes_of_the_answer() -> None:
    assert Service().http().request("GET", "/files", read=lambda decoded: decoded["ok"]) is True


class Parts(httpx.SyncByteStream):
    """A body that comes in parts, the last of which may be a failure."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts, self.sent = parts, 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            self.sent += 1
            if isinstance(part, Exception):
                raise part
            yield part


CONTENT = "/files/file-1/content"


def test_content_is_read_while_it_comes() -> None:
    body = Parts(b"\x00", b"\xff")

    def read(parts: Iterator[bytes]) -> list[tuple[bytes, int]]:
        return [(part, body.sent) for part in parts]

    found = Service(httpx.Response(200, stream=body)).http().content(CONTENT, read)

    assert found == [(b"\x00", 1), (b"\xff", 2)]


def test_content_that_breaks_off_is_read_again() -> None:
    service = Service(
        httpx.Response(200, stream=Parts(b"wh", httpx.ReadError("gone"))),
        httpx.Response(200, content=b"whole"),
    )

    assert service.http().content(CONTENT, b"".join) == b"whole"


def test_an_answer_that_is_an_error_is_no_content() -> None:
    read = list[bytes]()

    with pytest.raises(errors.NotFoundError, match="no such file"):
        Service(httpx.Response(404, json=problem("no such file"))).http().content(CONTENT, read.extend)

    assert read == []


def test_what_the_reader_of_content_raises_comes_out_as_it_is() -> None:
    failure = errors.InterruptedCommandError("interrupted")

    def read(_parts: Iterator[bytes]) -> None:
        raise failure

    with pytest.raises(errors.InterruptedCommandError) as caught:
        Service(httpx.Response(200, content=b"whole")).http().content(CONTENT, read)

    assert caught.value is failure


def test_an_answer_without_content_is_none() -> None:
    assert Service(httpx.Response(204)).http().request("DELETE", "/files/file-1") is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(408, json=problem()),
        httpx.Response(409, json=problem()),
        httpx.Response(500, json=problem()),
        httpx.Response(500, json=problem(), headers={"x-should-retry": "true"}),
        httpx.Response(502, html="<html>bad gateway</html>"),
        httpx.Response(200, content=b'{"id": "ftj'),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("dropped"),
    ],
    ids=repr,
)
def test_never_repeats_a_post_that_may_have_acted(answer: httpx.Response | Exception) -> None:
    service = Service(answer)

    with pytest.raises(errors.RequestError) as caught:
        service.http().request("POST", JOBS, body={})

    assert caught.value.may_have_acted
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(429, json=problem()), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")],
    ids=repr,
)
def test_repeats_a_post_that_cannot_have_acted(answer: httpx.Response | Exception) -> None:
    service = Service(answer)

    assert service.http().request("POST", JOBS, body={}) == {"ok": True}


def test_sends_the_whole_file_again_when_it_repeats_an_upload() -> None:
    service = Service(httpx.Response(429, json=problem()))

    service.http().request("POST", "/files", form=Form("file", "a.jsonl", io.BytesIO(b"content")))

    first, second = (request.content.count(b"content") for request in service.requests)
    assert first == second > 0


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
    assert isinstance(caught.value, errors.ServiceTimeoutError) is issubclass(kind, httpx.TimeoutException)


@pytest.mark.parametrize(
    ("kind", "acted"),
    [
        (httpx.ConnectError, False),
        (httpx.ConnectTimeout, False),
        (httpx.PoolTimeout, False),
        (httpx.ProxyError, False),
        (httpx.UnsupportedProtocol, False),
        (httpx.ReadTimeout, True),
        (httpx.WriteTimeout, True),
        (httpx.ReadError, True),
        (httpx.WriteError, True),
        (httpx.RemoteProtocolError, True),
        (httpx.DecodingError, True),
    ],
)
def test_says_whether_the_service_may_have_acted(kind: Callable[[str], Exception], acted: bool) -> None:  # noqa: FBT001
    with pytest.raises(errors.ServiceConnectionError) as caught:
        Service(kind("boom")).http(max_retries=0).request("POST", "/files", body={})

    assert caught.value.may_have_acted is acted


def test_a_key_in_the_text_of_a_failure_is_masked() -> None:
    with pytest.raises(errors.ServiceConnectionError) as caught:
        Service(httpx.ConnectError(f"proxy https://me:pass@proxy refused Bearer {API_KEY}")).http(
            max_retries=0
        ).request("GET", "/files")

    assert API_KEY not in str(caught.value)
    assert "me:pass" not in str(caught.value)


def timeouts(service: Service) -> list[dict[str, float]]:
    return [request.extensions["timeout"] for request in service.requests]


def test_connecting_and_answering_have_limits_of_their_own() -> None:
    service = Service()

    service.http(timeout=30, operation_timeout=100).request("GET", "/files")

    assert timeouts(service) == [{"connect": CONNECT_TIMEOUT, "read": 30, "write": 30, "pool": 100}]


def test_no_try_gets_more_time_than_the_operation_has_left() -> None:
    service = Service(httpx.Response(429, json=problem(), headers={"retry-after": "97"}))

    service.http(timeout=30, operation_timeout=100).request("GET", "/files")

    assert timeouts(service)[1] == {"connect": 3, "read": 3, "write": 3, "pool": 3}


class Trickle(httpx.SyncByteStream):
    """A body of which a byte comes every ten seconds."""

    def __init__(self, sleeper: FakeClock) -> None:
        self.sleeper = sleeper

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.sleeper.now += 10
            yield b" "


def test_a_body_that_trickles_in_takes_no_longer_than_the_operation_may() -> None:
    service = Service()
    service.script = [httpx.Response(200, stream=Trickle(service.sleeper))]

    with pytest.raises(
        errors.ServiceTimeoutError, match=r"not complete after 100 s \(openai-ft:operationTimeout\)"
    ) as caught:
        service.http(operation_timeout=100).request("POST", JOBS, body={})

    assert caught.value.may_have_acted
    assert service.sleeper.now <= WALL + 110


def test_content_that_trickles_in_takes_no_longer_than_the_operation_may() -> None:
    service = Service()
    service.script = [httpx.Response(200, stream=Trickle(service.sleeper))]

    with pytest.raises(errors.ServiceTimeoutError, match="not complete after 100 s"):
        service.http(operation_timeout=100).content(CONTENT, b"".join)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "ftp://me:secret@127.0.0.1:1"),
        ("ALL_PROXY", "socks9://me:secret@127.0.0.1:1"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem"),
    ],
)
def test_a_useless_environment_is_told_without_what_it_holds(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    url = URL.replace("http:", "https:")
    http = Http(Settings(api_key=API_KEY, base_url=url))

    with pytest.raises(
        errors.SettingsError, match=rf"no connection to {url} can be opened.*{variable}"
    ) as caught:
        http.request("GET", "/files")
    http.close()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_certificate_is_always_verified(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates that cannot be loaded are only missed by who wants to verify with them."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")

    with pytest.raises(errors.SettingsError, match="SSL_CERT_FILE"):
        Http(Settings(api_key=API_KEY, base_url=f"{scheme}://127.0.0.1:1/v1")).request("GET", "/files")


JOB = {"model": "gpt-4o-mini-2024-07-18"}


@pytest.fixture
def job(service: Emulator, opened: Callable[..., Http], training_data: Any) -> dict[str, str]:
    """The body of a call that creates a job."""
    form = Form("file", "a.jsonl", io.BytesIO(training_data.read_bytes()), {"purpose": "fine-tune"})
    return {**JOB, "training_file": opened(service).request("POST", "/files", form=form)["id"]}


@pytest.mark.parametrize(
    ("action", "options", "kind", "jobs"),
    [
        ("drop_before", {}, errors.ServiceConnectionError, 0),
        ("drop_after", {}, errors.ServiceConnectionError, 1),
        ("truncate", {}, errors.ServiceConnectionError, 1),
        ("html", {"status": 502}, errors.UnreadableAnswerError, 0),
        ("html", {"status": 200}, errors.UnreadableAnswerError, 0),
        ("status", {"status": 500, "acts": True}, errors.ServerError, 1),
        ("status", {"status": 503, "headers": {"x-should-retry": "true"}}, errors.ServerError, 0),
        ("status", {"status": 409}, errors.ServiceError, 0),
    ],
)
def test_a_post_that_the_service_did_not_answer_well_was_sent_once(
    *,
    service: Emulator,
    opened: Callable[..., Http],
    job: dict[str, str],
    action: str,
    options: dict[str, Any],
    kind: type[errors.RequestError],
    jobs: int,
) -> None:
    service.fault("POST", JOBS, action, **options)

    with pytest.raises(errors.RequestError) as caught:
        opened(service).request("POST", JOBS, body=job)

    assert (type(caught.value), caught.value.may_have_acted) == (kind, True)
    assert len(service.journal(method="POST", path="/v1/fine_tuning/jobs")) == 1
    assert len(service.jobs()) == jobs


@pytest.mark.parametrize("acts", [False, True])
def test_a_service_that_hangs_is_left_in_time(
    service: Emulator,
    opened: Callable[..., Http],
    job: dict[str, str],
    acts: bool,  # noqa: FBT001
) -> None:
    service.fault("POST", JOBS, "hang", seconds=30, acts=acts)
    began = time.monotonic()

    with pytest.raises(
        errors.ServiceTimeoutError, match=r"nothing came for 0\.2 s, see openai-ft:timeout"
    ) as caught:
        opened(service, timeout=0.2).request("POST", JOBS, body=job)

    assert caught.value.may_have_acted
    assert time.monotonic() - began < 5
    assert len(service.jobs()) == acts


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "drop_before"},
        {"action": "drop_after"},
        {"action": "truncate"},
        {"action": "html", "status": 503},
        {"action": "status", "status": 503},
        {"action": "status", "status": 429, "headers": {"Retry-After": "3"}},
    ],
    ids=str,
)
def test_a_get_outlives_each_fault(
    service: Emulator, opened: Callable[..., Http], fault: dict[str, Any]
) -> None:
    service.fault("GET", JOBS, **fault, times=4)

    assert opened(service).request("GET", JOBS)["data"] == []
    assert len(service.journal(method="GET", path="/v1/fine_tuning/jobs")) == 5


def test_a_refused_connection_is_tried_again_also_for_a_post() -> None:
    sleeper = FakeClock(WALL)
    settings = Settings(api_key=API_KEY, base_url=URL, max_retries=2)
    http = Http(settings, time=sleeper.time)

    with pytest.raises(errors.ServiceConnectionError, match=r"refused.*tried 3 times") as caught:
        http.request("POST", JOBS, body={})
    http.close()

    assert not caught.value.may_have_acted


def test_another_request_opens_the_connections_again(service: Emulator, opened: Callable[..., Http]) -> None:
    http = opened(service)
    http.request("GET", JOBS)
    http.close()

    assert http.request("GET", JOBS)["data"] == []


def test_admin_calls_are_paced_once_they_were_too_fast() -> None:
    service = Service(httpx.Response(429, json=problem()))
    http = service.http(admin=True, pace=Pace(service.sleeper.time))

    for _ in range(4):
        http.request("GET", "/x")

    assert service.sleeper.now - WALL == pytest.approx(40)


def test_all_admin_calls_of_a_process_share_their_pace() -> None:
    first, second = (Http(Settings(admin_key=ADMIN_KEY, timeout=n), admin=True) for n in (1, 2))

    assert first._pacing() is second._pacing() is not None


def test_paced_calls_wait_in_their_own_time() -> None:
    time = FakeClock(WALL).time

    pace = Http(Settings(admin_key=ADMIN_KEY), admin=True, time=time)._pacing()

    assert pace is not None
    assert pace.time is time


def test_calls_with_the_project_key_are_not_paced(service: Emulator, opened: Callable[..., Http]) -> None:
    sleeper = FakeClock(WALL)
    service.fault("GET", JOBS, "status", status=429, headers={"Retry-After": "1"})
    http = opened(service, sleeper=sleeper)

    for _ in range(9):
        http.request("GET", JOBS)

    assert sleeper.pauses == [1]


def test_pacing_can_be_turned_off() -> None:
    service = Service(httpx.Response(429, json=problem(), headers={"retry-after": "1"}))
    http = service.http(admin=True, admin_requests_per_minute=0)

    for _ in range(9):
        http.request("GET", "/x")

    assert service.sleeper.pauses == [1]
