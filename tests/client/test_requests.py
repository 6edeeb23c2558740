from __future__ import annotations

import io
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.fake_clock import WALL, FakeClock
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft import errors
from pulumi_openai_ft._client.rate_limit import INTERVAL, RateLimiter
from pulumi_openai_ft._client.requests import Session
from pulumi_openai_ft._client.transport import CONNECT_TIMEOUT, Form
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import TimeSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.emulator import Emulator

URL = "http://127.0.0.1:1/v1"
JOBS, CONTENT = "/fine_tuning/jobs", "/files/file-1/content"


def error_response(
    status: int, code: str | None = None, *, message: str = "no", **headers: str
) -> httpx.Response:
    """Return an error in the form of the API. Underscores in header names become hyphens."""
    problem = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    hyphenated = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": problem}, headers=hyphenated)


class Service:
    """A transport of httpx that returns responses in order, each after some seconds, then status 200."""

    def __init__(self, *responses: httpx.Response | Exception, seconds: float = 0.0) -> None:
        self.responses, self.seconds = list(responses), seconds
        self.requests, self.clock = list[httpx.Request](), FakeClock(WALL)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        self.clock.now += self.seconds
        response = self.responses.pop(0) if self.responses else httpx.Response(200, json={"ok": True})
        if isinstance(response, Exception):
            raise response
        return response

    def session(self, *, admin: bool = False, limiter: RateLimiter | None = None, **settings: Any) -> Session:
        resolved = Settings(api_key=API_KEY, admin_key=ADMIN_KEY, base_url=URL, **settings)
        return Session(
            resolved,
            admin=admin,
            transport=httpx.MockTransport(self),
            time=self.clock.time,
            limiter=limiter,
        )


def test_sends_project_key_organization_and_project() -> None:
    service = Service()

    service.session(organization="org-a", project="proj_a").request("GET", "/files")

    headers = service.requests[0].headers
    assert headers["authorization"] == f"Bearer {API_KEY}"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-a", "proj_a")


def test_admin_session_sends_admin_key_without_project() -> None:
    service = Service()

    service.session(admin=True, project="proj_a").request("GET", "/files")

    assert service.requests[0].headers["authorization"] == f"Bearer {ADMIN_KEY}"
    assert "openai-project" not in service.requests[0].headers


def test_session_without_key_raises_at_first_request() -> None:
    session = Session(Settings())

    with pytest.raises(errors.SettingsError, match="no API key is set"):
        session.request("GET", "/files")


def test_omits_unset_query_parameters() -> None:
    service = Service()

    service.session().request("GET", "/files", params={"after": None, "limit": 3})

    assert service.requests[0].url.query == b"limit=3"


def test_returns_result_of_reader() -> None:
    assert Service().session().request("GET", "/files", read=lambda decoded: decoded["ok"]) is True


class Parts(httpx.SyncByteStream):
    """An iterable body that yields parts, the last of which may be an exception."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts, self.sent = parts, 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            self.sent += 1
            if isinstance(part, Exception):
                raise part
            yield part


def test_content_is_streamed_to_its_reader() -> None:
    body = Parts(b"\x00", b"\xff")

    def read(parts: Iterator[bytes]) -> list[tuple[bytes, int]]:
        return [(part, body.sent) for part in parts]

    content = Service(httpx.Response(200, stream=body)).session().content(CONTENT, read)

    assert content == [(b"\x00", 1), (b"\xff", 2)]


def test_truncated_content_is_requested_again() -> None:
    service = Service(
        httpx.Response(200, stream=Parts(b"wh", httpx.ReadError("gone"))),
        httpx.Response(200, content=b"whole"),
    )

    assert service.session().content(CONTENT, b"".join) == b"whole"


class Saved:
    """A file that receives content from a position on."""

    def __init__(self) -> None:
        self.content, self.positions = b"", list[int]()

    def write(self, position: int, parts: Iterator[bytes]) -> None:
        self.positions.append(position)
        self.content = self.content[:position]
        for part in parts:
            self.content += part

    def download(self, service: Service) -> None:
        service.session().resumable_content(CONTENT, lambda: len(self.content), self.write)


def partial(content: bytes, position: str | None) -> httpx.Response:
    headers = {"content-range": f"bytes {position}"} if position else {}
    return httpx.Response(206, content=content, headers=headers)


BROKEN = httpx.ReadError("gone")


@pytest.mark.parametrize(
    ("second", "positions"),
    [(partial(b"ole", "2-4/5"), [0, 2]), (httpx.Response(200, content=b"whole"), [0, 0])],
    ids=["ranges", "no-ranges"],
)
def test_broken_content_continues_where_the_service_starts(
    second: httpx.Response, positions: list[int]
) -> None:
    service, saved = Service(httpx.Response(200, stream=Parts(b"wh", BROKEN)), second), Saved()

    saved.download(service)

    assert (saved.content, saved.positions) == (b"whole", positions)
    assert ["range" in request.headers for request in service.requests] == [False, True]
    assert service.requests[1].headers["range"] == "bytes=2-"
    assert service.requests[1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("position", [None, "*/5", "x"])
def test_a_part_without_a_position_is_not_read(position: str | None) -> None:
    service, saved = Service(*[partial(b"ole", position) for _ in range(9)]), Saved()

    with pytest.raises(errors.ServiceConnectionError, match="without a position"):
        saved.download(service)

    assert saved.content == b""


def test_error_response_is_not_read_as_content() -> None:
    parts = list[bytes]()

    with pytest.raises(errors.NotFoundError, match="no such file"):
        Service(error_response(404, message="no such file")).session().content(CONTENT, parts.extend)

    assert parts == []


def test_exception_in_content_reader_propagates_unchanged() -> None:
    failure = errors.CommandInterruptedError("interrupted")

    def read(_parts: Iterator[bytes]) -> None:
        raise failure

    with pytest.raises(errors.CommandInterruptedError) as caught:
        Service(httpx.Response(200, content=b"whole")).session().content(CONTENT, read)

    assert caught.value is failure


def test_keyboard_interrupt_in_reader_propagates_without_retry() -> None:
    service = Service()

    def read(_decoded: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.session().request("GET", JOBS, read=read)

    assert len(service.requests) == 1


def test_an_empty_response_returns_nothing() -> None:
    assert Service(httpx.Response(204)).session().request("DELETE", "/files/file-1") is None


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_get_and_delete_are_retried_after_transient_statuses(method: Any, status: int) -> None:
    service = Service(error_response(status))

    assert service.session().request(method, JOBS) == {"ok": True}
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    "response",
    [
        error_response(408),
        error_response(409),
        error_response(500),
        error_response(500, x_should_retry="true"),
        httpx.Response(502, html="<html>bad gateway</html>"),
        httpx.Response(200, content=b'{"id": "ftj'),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("dropped"),
    ],
    ids=repr,
)
def test_post_that_may_have_acted_is_not_retried(response: httpx.Response | Exception) -> None:
    service = Service(response)

    with pytest.raises(errors.RequestError) as caught:
        service.session().request("POST", JOBS, body={})

    assert caught.value.may_have_acted
    assert caught.value.tries == len(service.requests) == 1


@pytest.mark.parametrize(
    "response",
    [error_response(429), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")],
    ids=repr,
)
def test_post_that_cannot_have_acted_is_retried(response: httpx.Response | Exception) -> None:
    service = Service(response)

    assert service.session().request("POST", JOBS, body={}) == {"ok": True}
    assert len(service.requests) == 2


@pytest.mark.parametrize("response", [error_response(500), httpx.ReadTimeout("slow")], ids=repr)
def test_idempotent_post_is_retried(response: httpx.Response | Exception) -> None:
    service = Service(response)

    assert service.session().request("POST", "/uploads", body={}, idempotent=True) == {"ok": True}
    assert len(service.requests) == 2


def test_job_limit_is_not_retried() -> None:
    service = Service(error_response(429, "daily_rate_limit_exceeded", x_should_retry="true"))

    with pytest.raises(errors.JobLimitError) as caught:
        service.session().request("POST", JOBS, body={})

    assert caught.value.tries == len(service.requests) == 1


def reject(_decoded: object) -> None:
    """Raise the error of a reader whose response has another shape."""
    raise ValueError("no Job: id: Field required")


def test_unreadable_response_is_not_requested_again() -> None:
    service = Service()

    with pytest.raises(errors.InvalidResponseError, match="no Job: id: Field required") as caught:
        service.session(max_retries=5).request("GET", JOBS, read=reject)

    assert caught.value.tries == len(service.requests) == 1
    assert caught.value.may_have_acted


@pytest.mark.parametrize(("method", "tries"), [("GET", 2), ("DELETE", 2), ("POST", 1)])
@pytest.mark.parametrize("idempotent", [False, True])
@pytest.mark.parametrize("body", [b'{"id": "ftjob-', b"", b"<html>Busy</html>", b"\xff\xfe"])
def test_body_without_json_is_requested_again_once(
    *, method: Any, tries: int, idempotent: bool, body: bytes
) -> None:
    service = Service(*[httpx.Response(200, content=body) for _ in range(9)])

    with pytest.raises(errors.InvalidResponseError, match="not JSON: ") as caught:
        service.session(max_retries=5).request(method, JOBS, idempotent=idempotent)

    assert caught.value.tries == len(service.requests) == tries
    assert ("a response that is not JSON is requested again only once" in str(caught.value)) == (tries == 2)


def test_no_retries_applies_to_a_body_without_json() -> None:
    service = Service(*[httpx.Response(200, content=b"") for _ in range(9)])

    with pytest.raises(errors.InvalidResponseError, match="not JSON"):
        service.session(max_retries=0).request("GET", JOBS)

    assert len(service.requests) == 1


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"data": 1}'])
def test_json_of_another_form_is_not_requested_again(body: bytes) -> None:
    service = Service(*[httpx.Response(200, content=body) for _ in range(9)])

    with pytest.raises(errors.InvalidResponseError) as caught:
        service.session(max_retries=5).request("GET", JOBS, read=reject)

    assert caught.value.tries == len(service.requests) == 1


def test_numbers_unknown_to_json_are_null() -> None:
    service = Service(httpx.Response(200, content=b'{"a": NaN, "b": -Infinity}'))

    assert service.session().request("GET", JOBS) == {"a": None, "b": None}


def test_post_with_unreadable_response_is_not_retried() -> None:
    service = Service()

    with pytest.raises(errors.InvalidResponseError) as caught:
        service.session().request("POST", JOBS, body={}, read=reject)

    assert caught.value.tries == len(service.requests) == 1


def test_error_reports_tries_and_seconds_after_max_retries() -> None:
    service = Service(*[error_response(500) for _ in range(9)], seconds=10)

    with pytest.raises(errors.ServerError) as caught:
        service.session(max_retries=3).request("GET", JOBS)

    assert caught.value.tries == len(service.requests) == 4
    assert service.clock.now - WALL > 40
    assert str(caught.value).endswith(f"; tried 4 times in {service.clock.now - WALL:.0f} s")


def test_error_after_one_try_has_no_history() -> None:
    with pytest.raises(errors.ServiceError) as caught:
        Service(error_response(400)).session().request("GET", JOBS)

    assert caught.value.tries == 1
    assert "tried" not in str(caught.value)


def test_error_that_ends_retries_reports_all_tries() -> None:
    service = Service(error_response(500), error_response(401))

    with pytest.raises(errors.AuthenticationError, match="; tried 2 times in ") as caught:
        service.session().request("GET", JOBS)

    assert caught.value.tries == 2


def test_waits_for_retry_after_before_retrying() -> None:
    service = Service(error_response(429, retry_after="7"), error_response(429, retry_after_ms="250"))

    service.session().request("GET", JOBS)

    assert service.clock.pauses == [7, 0.25]


def test_retried_upload_sends_whole_file_again() -> None:
    service = Service(error_response(429))

    service.session().request("POST", "/files", form=Form("file", "a.jsonl", io.BytesIO(b"content")))

    first, second = (request.content.count(b"content") for request in service.requests)
    assert first == second > 0


def test_nothing_is_created_after_the_engine_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(error_response(429))
    with socket.create_server(("127.0.0.1", 0)) as engine:
        monkeypatch.setattr(sys, "argv", ["host", f"127.0.0.1:{engine.getsockname()[1]}"])
        end_engine = TimeSource(sleep=lambda _seconds: engine.close())
        transport = httpx.MockTransport(service)
        session = Session(Settings(api_key=API_KEY, base_url=URL), transport=transport, time=end_engine)

        with pytest.raises(errors.EngineDisconnectedError):
            session.request("POST", JOBS, body={}, creates=True)

    assert len(service.requests) == 1


def subclasses(kind: type[Exception]) -> list[type[Exception]]:
    """Return a class and all its subclasses."""
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in subclasses(child))]


@pytest.mark.parametrize(
    "kind", [kind for kind in subclasses(httpx.HTTPError) if kind is not httpx.HTTPStatusError]
)
def test_httpx_errors_become_service_connection_errors(kind: type[httpx.HTTPError]) -> None:
    with pytest.raises(
        errors.ServiceConnectionError, match=r"http://127\.0\.0\.1:1/v1.*openai-ft:baseUrl"
    ) as caught:
        Service(kind("boom")).session(max_retries=0).request("POST", "/files", body={})

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
def test_connection_error_reports_whether_request_may_have_acted(
    kind: Callable[[str], Exception],
    acted: bool,  # noqa: FBT001
) -> None:
    with pytest.raises(errors.ServiceConnectionError) as caught:
        Service(kind("boom")).session(max_retries=0).request("POST", "/files", body={})

    assert caught.value.may_have_acted is acted


def test_connection_error_masks_keys_and_passwords() -> None:
    failure = httpx.ConnectError(f"proxy https://me:pass@proxy refused Bearer {API_KEY}")

    with pytest.raises(errors.ServiceConnectionError) as caught:
        Service(failure).session(max_retries=0).request("GET", "/files")

    assert API_KEY not in str(caught.value)
    assert "me:pass" not in str(caught.value)


@pytest.mark.parametrize(("timeout", "connect"), [(30, CONNECT_TIMEOUT), (3, 3)])
def test_connect_timeout_is_limited_separately(timeout: float, connect: float) -> None:
    service = Service()

    service.session(timeout=timeout).request("GET", "/files")

    expected = {"connect": connect, "read": timeout, "write": timeout, "pool": timeout}
    assert service.requests[0].extensions["timeout"] == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTPS_PROXY", "ftp://me:secret@127.0.0.1:1"),
        ("ALL_PROXY", "socks9://me:secret@127.0.0.1:1"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem"),
    ],
)
def test_invalid_environment_raises_error_without_its_secrets(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    url = URL.replace("http:", "https:")
    session = Session(Settings(api_key=API_KEY, base_url=url))

    with pytest.raises(
        errors.SettingsError, match=rf"cannot open a connection to {url}.*{variable}"
    ) as caught:
        session.request("GET", "/files")
    session.close()

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_https_certificates_are_always_verified(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that certificates are loaded, which fails here; a client that does not verify needs none."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")

    with pytest.raises(errors.SettingsError, match="SSL_CERT_FILE"):
        Session(Settings(api_key=API_KEY, base_url=f"{scheme}://127.0.0.1:1/v1")).request("GET", "/files")


JOB = {"model": "gpt-4o-mini-2024-07-18"}


@pytest.fixture
def job(service: Emulator, open_session: Callable[..., Session], training_data: Any) -> dict[str, str]:
    """Return the body of a request that creates a job."""
    form = Form("file", "a.jsonl", io.BytesIO(training_data.read_bytes()), {"purpose": "fine-tune"})
    return {**JOB, "training_file": open_session(service).request("POST", "/files", form=form)["id"]}


@pytest.mark.parametrize(
    ("action", "options", "kind", "jobs"),
    [
        ("drop_before", {}, errors.ServiceConnectionError, 0),
        ("drop_after", {}, errors.ServiceConnectionError, 1),
        ("truncate", {}, errors.ServiceConnectionError, 1),
        ("html", {"status": 502}, errors.InvalidResponseError, 0),
        ("html", {"status": 200}, errors.InvalidResponseError, 0),
        ("status", {"status": 500, "acts": True}, errors.ServerError, 1),
        ("status", {"status": 503, "headers": {"x-should-retry": "true"}}, errors.ServerError, 0),
        ("status", {"status": 409}, errors.ServiceError, 0),
    ],
)
def test_failed_post_is_sent_once(
    *,
    service: Emulator,
    open_session: Callable[..., Session],
    job: dict[str, str],
    action: str,
    options: dict[str, Any],
    kind: type[errors.RequestError],
    jobs: int,
) -> None:
    service.fault("POST", JOBS, action, **options)

    with pytest.raises(errors.RequestError) as caught:
        open_session(service).request("POST", JOBS, body=job)

    assert (type(caught.value), caught.value.may_have_acted) == (kind, True)
    assert len(service.journal(method="POST", path="/v1/fine_tuning/jobs")) == 1
    assert len(service.jobs()) == jobs


@pytest.mark.parametrize("acts", [False, True])
def test_hanging_service_raises_timeout(
    service: Emulator,
    open_session: Callable[..., Session],
    job: dict[str, str],
    acts: bool,  # noqa: FBT001
) -> None:
    service.fault("POST", JOBS, "hang", seconds=30, acts=acts)
    started = time.monotonic()

    with pytest.raises(
        errors.ServiceTimeoutError, match=r"no data received for 0\.2 s, see openai-ft:timeout"
    ) as caught:
        open_session(service, timeout=0.2).request("POST", JOBS, body=job)

    assert caught.value.may_have_acted
    assert time.monotonic() - started < 5
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
def test_get_succeeds_after_transient_faults(
    service: Emulator, open_session: Callable[..., Session], fault: dict[str, Any]
) -> None:
    service.fault("GET", JOBS, **fault, times=4)

    assert open_session(service).request("GET", JOBS)["data"] == []
    assert len(service.journal(method="GET", path="/v1/fine_tuning/jobs")) == 5


def test_post_is_retried_after_refused_connection() -> None:
    settings = Settings(api_key=API_KEY, base_url=URL, max_retries=2)
    session = Session(settings, time=FakeClock(WALL).time)

    with pytest.raises(errors.ServiceConnectionError, match=r"refused.*tried 3 times") as caught:
        session.request("POST", JOBS, body={})
    session.close()

    assert not caught.value.may_have_acted


def test_request_after_close_reconnects(service: Emulator, open_session: Callable[..., Session]) -> None:
    session = open_session(service)
    session.request("GET", JOBS)
    session.close()

    assert session.request("GET", JOBS)["data"] == []


def test_admin_requests_are_limited_after_429() -> None:
    service = Service(httpx.Response(200, json={}), error_response(429))
    session = service.session(admin=True, limiter=RateLimiter(service.clock.time))

    session.request("GET", "/x")
    assert service.clock.pauses == []
    for _ in range(6):
        session.request("GET", "/x")

    assert service.clock.now - WALL == pytest.approx(6 * INTERVAL)


def test_admin_requests_wait_for_retry_after() -> None:
    service = Service(error_response(429, retry_after="60"))
    session = service.session(admin=True, limiter=RateLimiter(service.clock.time))

    session.request("GET", "/x")

    assert service.clock.now - WALL == 60


def test_429_delays_other_admin_sessions() -> None:
    service = Service(error_response(429, retry_after="60"))
    limiter = RateLimiter(service.clock.time)
    first, second = (service.session(admin=True, limiter=limiter, max_retries=0) for _ in range(2))
    with pytest.raises(errors.RateLimitError):
        first.request("GET", "/x")

    second.request("GET", "/x")

    assert service.clock.pauses == [60]


@pytest.mark.parametrize(
    "response",
    [error_response(500), error_response(429, "insufficient_quota"), error_response(403)],
    ids=repr,
)
def test_other_errors_do_not_limit_admin_requests(response: httpx.Response) -> None:
    service = Service(response)
    session = service.session(admin=True, limiter=RateLimiter(service.clock.time), max_retries=0)
    with pytest.raises(errors.ServiceError):
        session.request("GET", "/x")

    session.request("GET", "/x")

    assert service.clock.pauses == []


def test_admin_sessions_share_one_rate_limiter() -> None:
    first, second = (Session(Settings(admin_key=ADMIN_KEY, timeout=n), admin=True) for n in (1, 2))

    assert first._rate_limiter() is second._rate_limiter() is not None


def test_rate_limiter_uses_time_source_of_session() -> None:
    time_source = FakeClock(WALL).time

    limiter = Session(Settings(admin_key=ADMIN_KEY), admin=True, time=time_source)._rate_limiter()

    assert limiter is not None
    assert limiter.time is time_source


def test_project_requests_are_not_rate_limited(
    service: Emulator, open_session: Callable[..., Session]
) -> None:
    clock = FakeClock(WALL)
    service.fault("GET", JOBS, "status", status=429, headers={"Retry-After": "1"})
    session = open_session(service, clock=clock)

    for _ in range(9):
        session.request("GET", JOBS)

    assert clock.pauses == [1]
