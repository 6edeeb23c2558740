from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.emulator.support import KEY, MODEL, error, rows

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api

SOON = 0.1


@pytest.fixture(autouse=True)
def _no_noise(capfd: pytest.CaptureFixture[str]) -> object:
    """Check that no fault prints anything, in particular no traceback."""
    yield
    assert capfd.readouterr() == ("", "")


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition is true, or until the test's own time limit."""
    while not condition():
        time.sleep(0.005)


def test_a_status_is_returned_the_requested_number_of_times(api: Api, emulator: Emulator) -> None:
    emulator.fault("GET", "/files", "status", times=2, status=503)

    replies = [api.get("/files") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [503, 503, 200]
    assert error(replies[0])["code"] == "server_is_overloaded"
    assert replies[0].headers["x-request-id"]
    assert [entry.fault for entry in emulator.journal()] == ["status", "status", None]


def test_a_status_may_have_headers_code_and_body(api: Api, emulator: Emulator) -> None:
    emulator.fault(
        "GET", "/files", "status", status=429, code="insufficient_quota", headers={"Retry-After": "7"}
    )
    emulator.fault("GET", "/files", "status", status=500, body={"surprise": True})
    emulator.fault("GET", "/files", "status", status=200, body="no json")

    first, second, third = (api.get("/files") for _ in range(3))
    assert (error(first)["code"], first.headers["retry-after"]) == ("insufficient_quota", "7")
    assert second.json() == {"surprise": True}
    assert third.text == "no json"


@pytest.mark.parametrize(("acts", "files"), [(False, 0), (True, 1)])
def test_a_status_takes_effect_only_on_request(
    api: Api, emulator: Emulator, *, acts: bool, files: int
) -> None:
    emulator.fault("POST", "/files", "status", status=500, acts=acts)

    assert (
        api.post("/files", files={"file": ("a.jsonl", rows())}, data={"purpose": "fine-tune"}).status_code
        == 500
    )
    assert len(emulator.files()) == files


def test_faults_match_method_path_and_count(api: Api, emulator: Emulator) -> None:
    emulator.fault("DELETE", "/files/*", "status", status=500)
    emulator.fault("*", "~/v1/files/file-[ab]", "status", status=502, times=None)
    emulator.fault("GET", "/v1/models", "status", status=504, skip=1)

    assert [api.get(path).status_code for path in ("/files/file-a", "/files/file-b", "/files/file-c")] == [
        502,
        502,
        404,
    ]
    assert api.delete("/files/file-a").status_code == 500
    assert api.delete("/files/file-a").status_code == 502
    assert [api.get("/models").status_code for _ in range(3)] == [200, 504, 200]
    emulator.clear_faults()
    assert api.get("/files/file-a").status_code == 404


def test_faults_are_set_shown_and_cleared_over_http(api: Api, control: httpx.Client) -> None:
    spec = {"method": "GET", "path": "/models", "action": "html", "times": 2}
    fault = control.post("/faults", json=spec).json()
    api.get("/models")

    (listed,) = control.get("/faults").json()["faults"]
    assert listed == {**fault, "struck": 1}
    assert (listed["method"], listed["path"], listed["times"], listed["action"]) == (
        "GET",
        "/models",
        2,
        "html",
    )
    assert control.delete("/faults").json() == {"faults": []}
    assert api.get("/models").status_code == 200


def test_faults_do_not_affect_the_control_routes(control: httpx.Client, emulator: Emulator) -> None:
    emulator.fault("*", "*", "drop_before", times=None)

    assert control.get("/objects").status_code == 200


def test_a_proxys_page_is_html(api: Api, emulator: Emulator) -> None:
    emulator.fault("GET", "/files", "html")
    reply = api.get("/files")

    assert (reply.status_code, reply.headers["content-type"]) == (502, "text/html")
    assert reply.text.startswith("<html>")


def test_a_dropped_connection_sends_no_byte(emulator: Emulator) -> None:
    emulator.fault("GET", "/files", "drop_before")
    port = int(emulator.url.split(":")[2].split("/")[0])

    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(
            f"GET /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
        )
        assert connection.recv(1000) == b""
    assert [entry.status for entry in emulator.journal()] == [None]


@pytest.mark.parametrize(("action", "files"), [("drop_before", 0), ("drop_after", 1)])
def test_a_drop_comes_before_or_after_the_effect(
    api: Api, emulator: Emulator, action: str, files: int
) -> None:
    emulator.fault("POST", "/files", action)

    with pytest.raises(httpx.TransportError):
        api.upload()
    assert len(emulator.files()) == files
    assert api.get("/files").status_code == 200


def test_a_large_upload_can_be_dropped(api: Api, emulator: Emulator) -> None:
    emulator.fault("POST", "/files", "drop_before")
    with pytest.raises(httpx.TransportError):
        api.upload(b"x" * 5_000_000)
    emulator.fault("POST", "/files", "drop_after")
    with pytest.raises(httpx.TransportError):
        api.upload(b"x" * 5_000_000)

    assert [file["bytes"] for file in emulator.files()] == [5_000_000]


def test_the_effect_may_come_after_the_drop(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]
    emulator.fault("POST", "/fine_tuning/jobs", "drop_then_act", seconds=SOON)
    started = time.monotonic()

    with pytest.raises(httpx.TransportError):
        api.train(training_file=file_id, metadata={"token": "x"})
    assert time.monotonic() - started < SOON
    assert emulator.jobs() == []
    wait_for(emulator.jobs)
    assert time.monotonic() - started >= SOON
    assert [job["metadata"] for job in emulator.jobs()] == [{"token": "x"}]


def test_a_hanging_request_continues_eventually(api: Api, emulator: Emulator) -> None:
    emulator.fault("POST", "/files", "hang", seconds=SOON)
    started = time.monotonic()

    assert api.upload()["object"] == "file"
    assert time.monotonic() - started >= SOON


@pytest.mark.parametrize(("acts", "files"), [(False, 0), (True, 1)])
def test_a_hanging_request_acts_first_or_never(
    api: Api, emulator: Emulator, *, acts: bool, files: int
) -> None:
    emulator.fault("POST", "/files", "hang", seconds=SOON, acts=acts)

    with pytest.raises(httpx.ReadTimeout):
        api.post(
            "/files", files={"file": ("a.jsonl", rows())}, data={"purpose": "fine-tune"}, timeout=SOON / 2
        )
    wait_for(emulator.counts)
    assert len(emulator.files()) == files


def test_stopping_ends_hanging_requests(open_client: Callable[..., Api]) -> None:
    with Emulator() as emulator:
        emulator.fault("GET", "/files", "hang", seconds=60)
        with pytest.raises(httpx.ReadTimeout):
            open_client(emulator).get("/files", timeout=0.05)
        emulator.fault("POST", "/files", "drop_then_act", seconds=60)
        with pytest.raises(httpx.TransportError):
            open_client(emulator).upload()
        started = time.monotonic()
    assert time.monotonic() - started < 1


def test_an_edit_sets_and_removes_fields_of_the_response(api: Api, emulator: Emulator) -> None:
    made = [api.upload() for _ in range(2)]
    edits = [
        {"path": "data.*.status", "value": {"a": None}},
        {"path": "data.*.purpose"},
        {"path": "data.1.id", "value": 5},
        {"path": "data.7.id", "value": 6},
        {"path": "data.x.id.y", "value": 7},
        {"path": "object"},
    ]
    emulator.fault("GET", "/files", "edit", edits=edits)

    edited, untouched = api.get("/files").json(), api.get("/files").json()

    assert [file["id"] for file in edited["data"]] == [made[1]["id"], 5]
    assert [file["status"] for file in edited["data"]] == [{"a": None}] * 2
    assert "object" not in edited
    assert not any("purpose" in file for file in edited["data"])
    assert [file["id"] for file in untouched["data"]] == [made[1]["id"], made[0]["id"]]


def test_an_edit_keeps_the_status_and_other_bodies(api: Api, emulator: Emulator) -> None:
    file = api.upload(b"not JSON", purpose="batch")
    emulator.fault("*", "*", "edit", times=None, edits=[{"path": "error.code", "value": 3}])

    missing = api.get("/files/file-nobody")

    assert (missing.status_code, error(missing)["code"]) == (404, 3)
    assert api.get(f"/files/{file['id']}/content").content == b"not JSON"


def test_a_truncated_body_is_shorter_than_its_content_length(api: Api, emulator: Emulator) -> None:
    emulator.fault("POST", "/files", "truncate")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        api.upload()
    emulator.fault("GET", "/files", "truncate", keep=0)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        api.get("/files")

    assert len(emulator.files()) == 1
    assert [entry.status for entry in emulator.journal()] == [200, 200]


def test_a_lagging_list_omits_new_objects(api: Api, emulator: Emulator) -> None:
    old = api.upload()["id"]
    job = api.train(training_file=old)["id"]
    emulator.advance(30)
    new = api.upload()["id"]
    api.train(training_file=old)
    emulator.fault("GET", "*", "lag", seconds=10, times=3)

    assert [file["id"] for file in api.get("/files").json()["data"]] == [old]
    assert [found["id"] for found in api.get("/fine_tuning/jobs").json()["data"]] == [job]
    assert api.get(f"/files/{new}").status_code == 200
    assert [file["id"] for file in api.get("/files").json()["data"]] == [new, old]


def test_a_fault_applies_to_invalid_requests_too(api: Api, emulator: Emulator) -> None:
    emulator.fault("POST", "/fine_tuning/jobs", "drop_after")

    with pytest.raises(httpx.TransportError):
        api.post("/fine_tuning/jobs", json={"model": MODEL})
    assert emulator.jobs() == []
