"""A wrong base URL or query is reported at preview, with the right one if the same host has it."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import API_KEY, TODAY

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.cli.doctor import service_checks
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support import Configure

    from pulumi_openai_ft._provider.base import Provider

INPUTS: dict[type[Provider], dict[str, Any]] = {
    FileProvider: {"file": __file__, "purpose": "user_data"},
    FineTuningJobProvider: {"model": "gpt-4o-mini-2024-07-18", "training_file": "file-1"},
}
WRONG_PATHS = [
    "",
    "/",
    "/v2",
    "/V1",
    "/v1/v1",
    "/v1/files",
    "/v1/chat/completions",
    "/openai",
    "/openai/v1",
    "/a/b/c",
]
AZURE = {"service": "azure", "query": None}


@pytest.fixture(scope="module")
def azure() -> Iterator[Emulator]:
    with Emulator(today=TODAY, mode="azure") as emulator:
        yield emulator


@pytest.fixture
def serve() -> Iterator[Callable[[dict[str, tuple[int, str, bytes]]], str]]:
    """Starts servers that respond to each path with a status, a content type and a body, and else with a page."""
    servers: list[ThreadingHTTPServer] = []

    def start(responses: dict[str, tuple[int, str, bytes]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                status, kind, body = responses.get(path, responses["*"])
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


PAGE = b"<!doctype html><html><body>Welcome</body></html>"
EMPTY_LIST = (200, "application/json", b'{"object": "list", "data": [], "has_more": false}')


def reported(provider: Provider) -> str:
    (failure,) = provider.check({}, dict(INPUTS[type(provider)])).failures
    return failure.reason


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("path", WRONG_PATHS)
def test_a_wrong_path_is_reported_with_the_right_one(
    kind: type[Provider], path: str, configure: Configure, service: Emulator
) -> None:
    wrong = service.url.removesuffix("/v1") + path

    text = reported(configure(kind, baseUrl=wrong))

    assert text.startswith(
        f"openai-ft:baseUrl (or OPENAI_BASE_URL) is {wrong.rstrip('/')!r}: a test request "
    )
    assert (
        f"returned a JSON error with status 404: set openai-ft:baseUrl to {service.url!r}, which works"
        in text
    )


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("service_name", ["azure", "openai"])
def test_a_missing_api_version_is_reported(
    kind: type[Provider], service_name: str, configure: Configure, azure: Emulator
) -> None:
    text = reported(configure(kind, baseUrl=azure.url, service=service_name, apiKeyHeader="api-key"))

    assert (
        "returned a JSON error with status 400: set openai-ft:query to 'api-version=preview', which works"
        in text
    )


def test_a_missing_path_and_api_version_are_reported_together(configure: Configure, azure: Emulator) -> None:
    root = azure.url.removesuffix("/v1")

    text = reported(configure(FileProvider, baseUrl=root, service="azure"))

    assert (
        f"set openai-ft:baseUrl to {azure.url!r} and openai-ft:query to 'api-version=preview', which works"
        in text
    )


@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_a_page_is_reported_with_the_right_address(status: int, configure: Configure, serve: Any) -> None:
    root = serve({"*": (status, "text/html; charset=utf-8", PAGE), "/v1/files": EMPTY_LIST})

    text = reported(configure(FileProvider, baseUrl=root))

    assert text.startswith(f"unexpected response from {root} to GET /files (status {status}, an HTML page")
    assert text.endswith(f"; set openai-ft:baseUrl to '{root}/v1', which works")


@pytest.mark.parametrize(("status", "kind"), [(404, "application/json"), (400, "application/json")])
def test_without_a_correction_the_settings_are_named(
    status: int, kind: str, configure: Configure, serve: Any
) -> None:
    root = serve({"*": (status, kind, b'{"error": {"message": "No such thing"}}')})

    text = reported(configure(FineTuningJobProvider, baseUrl=f"{root}/api"))

    assert text.startswith(
        f"openai-ft:baseUrl (or OPENAI_BASE_URL) is '{root}/api': a test request returned a JSON"
    )
    assert (
        f"status {status}: check openai-ft:baseUrl, which for most services ends in /v1, openai-ft:query"
        in text
    )
    assert "No such thing (GET /fine_tuning/jobs" in text


@pytest.mark.parametrize("status", [405, 429, 500, 501, 503])
def test_other_errors_do_not_stop_the_preview(status: int, configure: Configure, serve: Any) -> None:
    root = serve({"*": (status, "application/json", b'{"error": {"message": "Not now"}}')})

    assert (
        configure(FileProvider, baseUrl=f"{root}/v1", maxRetries="0").check({}, INPUTS[FileProvider]).failures
        == []
    )


def test_doctor_reports_the_right_address(service: Emulator) -> None:
    root = service.url.removesuffix("/v1")

    first, _ = service_checks.service(Settings(api_key=API_KEY, base_url=root), TODAY)

    assert f"set openai-ft:baseUrl to {service.url!r}, which works" in first.message
