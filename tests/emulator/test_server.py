from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import error

from pulumi_openai_ft.emulator import Emulator, EmulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api


def test_it_accepts_requests_as_soon_as_it_has_started(open_client: Callable[..., Api]) -> None:
    emulator = Emulator()
    with pytest.raises(EmulatorError, match="before it is started"):
        _ = emulator.url

    emulator.start()
    assert open_client(emulator).get("/files").status_code == 200
    emulator.stop()
    emulator.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(emulator.url.split(":")[2].split("/")[0]))) != 0


def test_it_can_be_started_again_at_the_same_address(open_client: Callable[..., Api]) -> None:
    emulator = Emulator()
    with emulator:
        url = emulator.url
        open_client(emulator).upload()
    with emulator:
        assert emulator.url == url
        assert emulator.files() == []


def test_two_emulators_share_nothing(open_client: Callable[..., Api]) -> None:
    with Emulator() as emulator, Emulator() as other:
        file_id = open_client(emulator).upload()["id"]
        assert open_client(other).upload()["id"] != file_id

        assert open_client(other).get(f"/files/{file_id}").status_code == 404


def test_an_occupied_port_is_a_clear_error(emulator: Emulator) -> None:
    port = int(emulator.url.split(":")[2].split("/")[0])

    with pytest.raises(EmulatorError, match=f"Port {port} cannot be used"):
        Emulator(port=port).start()
    with pytest.raises(EmulatorError, match="Port 70000 cannot be used"):
        Emulator(port=70000).start()


def test_a_stopped_emulator_has_no_objects() -> None:
    with pytest.raises(EmulatorError, match="not running"):
        Emulator().jobs()


def test_it_listens_only_on_loopback(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")
    port = int(emulator.url.split(":")[2].split("/")[0])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "127.0.0.1.example.com:80", "evil:127.0.0.1", ""]
)
def test_other_names_for_this_machine_are_refused(api: Api, host: str) -> None:
    """Reject requests of a web page whose host name was rebound to 127.0.0.1."""
    for path in ("/files", "http://127.0.0.1/_emulator/objects"):
        reply = api.get(api.base_url.join(path).copy_with(port=api.base_url.port), headers={"host": host})

        assert reply.status_code == 403
        assert error(reply)["type"] == "invalid_request_error"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "LOCALHOST", "[::1]", "[::1]:80"])
def test_own_names_of_this_machine_are_served(api: Api, host: str) -> None:
    assert api.get("/files", headers={"host": host}).status_code == 200


def test_unknown_routes_return_errors_of_the_api(api: Api) -> None:
    reply = api.get("/chat/completions")

    assert reply.status_code == 404
    assert error(reply)["message"] == "Invalid URL (GET /v1/chat/completions)"
    assert api.get(str(api.base_url).replace("/v1/", "/files")).status_code == 404
    assert api.get("/files/").status_code == 404


def test_wrong_methods_return_errors_of_the_api(api: Api) -> None:
    reply = api.put("/files")

    assert reply.status_code == 405
    assert "PUT /v1/files" in error(reply)["message"]
    assert reply.headers["allow"]


def test_every_response_has_an_id_and_rate_limit_headers(api: Api) -> None:
    replies = [api.get(path) for path in ("/files", "/nowhere", "/files/file-x")]
    replies.append(api.get("/files", headers={"authorization": ""}))

    assert len({reply.headers["x-request-id"] for reply in replies}) == 4
    for reply in replies:
        assert reply.headers["x-request-id"].startswith("req_")
        assert int(reply.headers["x-ratelimit-remaining-requests"]) < int(
            reply.headers["x-ratelimit-limit-requests"]
        )
        assert reply.headers["x-ratelimit-reset-requests"].endswith("ms")
        assert int(reply.headers["openai-processing-ms"]) >= 0


def test_an_aborted_upload_stores_nothing(
    api: Api, emulator: Emulator, capfd: pytest.CaptureFixture[str]
) -> None:
    port = int(emulator.url.split(":")[2].split("/")[0])
    head = (
        "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-x\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        'Content-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\nsome bytes'
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode())
        while not list(emulator.backend.blobs.folder.iterdir()):
            assert api.get("/files").json()["data"] == []
    while list(emulator.backend.blobs.folder.iterdir()):
        assert api.get("/files").json()["data"] == []

    assert capfd.readouterr().err == ""
