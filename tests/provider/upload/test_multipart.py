from __future__ import annotations

import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from tests.fake_clock import FakeClock
from tests.fake_host import FakeHost

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.file_manager import FileManager
from pulumi_openai_ft._provider.upload.request import MAX_SINGLE_UPLOAD, UploadRequest
from pulumi_openai_ft._provider.upload.resume_store import ResumeStore
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    InputError,
    ServerError,
    ServiceConnectionError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft._client.objects import FileObject
    from pulumi_openai_ft.emulator import Emulator

BEGIN, PARTS = "/v1/uploads", "/v1/uploads/*/parts"
COMPLETE, CANCEL = "/v1/uploads/*/complete", "/v1/uploads/*/cancel"
SIZE, PART = 520, 100
COUNT = 6
ABOVE = "0.0004"
"""Threshold of multipart uploads in MB; each part has a quarter of this size."""


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.jsonl"
    path.write_bytes(bytes(number % 251 for number in range(SIZE)))
    return path


@pytest.fixture
def another_process(configure: Configure) -> Iterator[Callable[..., FileManager]]:
    """Create file managers without common memory, as in another run of `pulumi up`."""
    made: list[Client] = []

    def make(host: type[FakeHost] = FakeHost, store: ResumeStore | None = None, **more: Any) -> FileManager:
        settings, time = (
            configure(FileProvider, maxRetries="1", multipartThreshold=ABOVE).settings,
            FakeClock(),
        )
        made.append(Client(settings, time.time))
        return FileManager(made[-1], host(time=time.time, **more), resume_store=store or ResumeStore())

    yield make
    for api in made:
        api.close()


def upload_request(path: Path, **changes: Any) -> UploadRequest:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    defaults = {"filename": path.name, "purpose": "fine-tune", "size": path.stat().st_size, "sha256": sha256}
    return UploadRequest(**{**defaults, "has_unique_name": True, "identity": "identity", **changes})


def obtain(files: FileManager, path: Path, **changes: Any) -> FileObject:
    with path.open("rb") as content:
        return files.get_or_upload(upload_request(path, **changes), content)


def assert_only(service: Emulator, file: FileObject, path: Path) -> None:
    """Check that the service has only this complete file, and no pending upload."""
    assert [found["id"] for found in service.files()] == [file.id]
    assert service.backend.blobs.path(file.id).read_bytes() == path.read_bytes()
    assert [upload for upload in service.uploads() if upload["status"] == "pending"] == []


def parts_sent(service: Emulator) -> int:
    return len(service.journal(method="POST", path=PARTS))


def test_a_large_file_is_sent_in_parts(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    file = obtain(another_process(), large, expires_after={"anchor": "created_at", "seconds": 3600})

    assert_only(service, file, large)
    assert (file.filename, file.purpose, file.bytes) == ("large.jsonl", "fine-tune", SIZE)
    assert (file.expires_at or 0) - file.created_at == 3600
    assert parts_sent(service) == COUNT
    assert service.journal(method="POST", path="/v1/files") == []


def test_a_file_at_the_threshold_needs_no_parts(
    another_process: Callable[..., FileManager], tmp_path: Path, service: Emulator
) -> None:
    path = tmp_path / "small.jsonl"
    path.write_bytes(b"x" * 400)

    obtain(another_process(), path)

    assert service.uploads() == []


def test_progress_is_that_of_all_parts(another_process: Callable[..., FileManager], large: Path) -> None:
    files = another_process()

    obtain(files, large)

    assert isinstance(files.host, FakeHost)
    assert files.host.statuses[-1].startswith("uploaded · 0.5 kB")


class SlowServer(BaseHTTPRequestHandler):
    """A server that reads a little of each part, and the rest when the test permits it."""

    protocol_version = "HTTP/1.1"
    first_bytes = 1 << 20
    may_continue = Event()
    parts: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        self.answer({"object": "list", "data": [], "has_more": False})

    def do_POST(self) -> None:
        left = int(self.headers["content-length"])
        if self.path.endswith("/parts"):
            left -= len(self.rfile.read(self.first_bytes))
            self.may_continue.wait(20)
            self.parts.append(left)
        self.rfile.read(left)
        file = {"id": "file-1", "filename": "large.jsonl", "created_at": 0}
        self.answer({"id": "1", "file": file if self.path.endswith("/complete") else None})

    def answer(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def slow_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(SlowServer, "may_continue", Event())
    monkeypatch.setattr(SlowServer, "parts", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowServer) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_progress_is_shown_while_no_part_is_complete(
    configure: Configure, slow_server: str, tmp_path: Path
) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as content:
        content.truncate(20_000_000)
    complete_when_shown: list[int] = []

    class RecordingHost(FakeHost):
        def set_status(self, line: str) -> None:
            if re.match(r"uploading [1-9]", line):
                complete_when_shown.append(len(SlowServer.parts))
                SlowServer.may_continue.set()

    api = configure(FileProvider, baseUrl=slow_server, multipartThreshold="16").api
    obtain(FileManager(api, RecordingHost()), path)

    assert complete_when_shown[0] == 0
    assert len(SlowServer.parts) == 5


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 429, "headers": {"retry-after-ms": "1"}},
        {"action": "status", "status": 500},
        {"action": "status", "status": 500, "acts": True},
        {"action": "drop_before"},
        {"action": "drop_after"},
        {"action": "truncate"},
        {"action": "html"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [BEGIN, PARTS, COMPLETE])
def test_each_request_is_retried_even_if_it_acted(
    another_process: Callable[..., FileManager],
    large: Path,
    service: Emulator,
    path: str,
    fault: dict[str, Any],
) -> None:
    struck = service.fault("POST", path, **fault, skip=0 if path != PARTS else 2)

    file = obtain(another_process(), large)

    assert struck.struck == 1
    assert [found["id"] for found in service.files()] == [file.id]
    assert service.backend.blobs.path(file.id).read_bytes() == large.read_bytes()


def test_only_the_part_that_failed_is_sent_again(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    service.fault("POST", PARTS, "drop_after", skip=3)

    obtain(another_process(), large)

    assert parts_sent(service) == COUNT + 1


@pytest.mark.parametrize("path", [PARTS, COMPLETE])
def test_a_refused_upload_is_cancelled(
    another_process: Callable[..., FileManager], large: Path, service: Emulator, path: str
) -> None:
    service.fault("POST", path, "status", None, status=403)
    files = another_process()

    with pytest.raises(ServiceError):
        obtain(files, large)

    assert list(files.resume_store.folder.iterdir()) == []
    assert [upload["status"] for upload in service.uploads()] == ["cancelled"]
    assert service.files() == []


def test_a_part_that_always_fails_cancels_the_upload(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    service.fault("POST", PARTS, "status", None, status=503, skip=2)

    with pytest.raises(ServerError):
        obtain(another_process(), large)

    assert [upload["status"] for upload in service.uploads()] == ["cancelled"]


def test_a_file_too_large_for_one_request_is_refused(
    another_process: Callable[..., FileManager], tmp_path: Path, service: Emulator
) -> None:
    service.fault("POST", BEGIN, "status", None, status=404)
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as content:
        content.truncate(MAX_SINGLE_UPLOAD + 1)
    huge = UploadRequest(
        path.name, "fine-tune", MAX_SINGLE_UPLOAD + 1, has_unique_name=True, identity="identity"
    )

    with (
        path.open("rb") as content,
        pytest.raises(InputError, match=r"not support multipart uploads \(status 404\).*: split the file"),
    ):
        another_process().get_or_upload(huge, content)


NO_FILES = {"object": "list", "data": [], "has_more": False}


def test_a_file_that_appears_late_is_not_sent_again(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    """The completion succeeds behind a 504, its retry is rejected, and the list of files lags."""
    service.fault("POST", COMPLETE, "status", status=504, acts=True)
    service.fault("GET", "/v1/files", "status", None, status=200, body=NO_FILES)
    with pytest.raises(ServiceConnectionError, match=r"may have completed .* run the command again"):
        obtain(another_process(), large, has_unique_name=False)
    service.clear_faults()

    obtain(another_process(), large, has_unique_name=False)

    assert len(service.files()) == 1


def test_a_file_that_appears_very_late_is_not_duplicated(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    service.fault("POST", COMPLETE, "drop_after")
    service.fault("POST", COMPLETE, "drop_before", None)
    service.fault("GET", "/v1/files", "status", None, status=200, body=NO_FILES)
    with pytest.raises(ServiceConnectionError):
        obtain(another_process(), large)
    service.clear_faults()
    service.fault("GET", "/v1/files", "status", 1, status=200, body=NO_FILES)

    obtain(another_process(), large)

    assert len(service.files()) == 1


def test_a_file_deleted_by_this_process_is_not_adopted(
    another_process: Callable[..., FileManager], large: Path, tmp_path: Path, service: Emulator
) -> None:
    first = obtain(another_process(), large)
    (tmp_path / "other.jsonl").write_bytes(b"x" * 50)
    files = another_process()
    other = obtain(files, tmp_path / "other.jsonl")

    files.delete(first.id, 0)
    again = obtain(files, large)

    assert {file["id"] for file in service.files()} == {other.id, again.id}


def test_the_next_run_sends_only_the_missing_parts(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    service.fault("POST", PARTS, "drop_before", None, skip=4)
    with pytest.raises(ServiceConnectionError):
        obtain(another_process(), large)
    service.clear_faults()
    before = parts_sent(service)

    files = another_process()
    file = obtain(files, large)

    assert_only(service, file, large)
    assert (
        parts_sent(service) - before <= COUNT - 4 + 3
    )  # of four concurrent parts, three may arrive unnoticed
    assert len(service.uploads()) == 1
    assert isinstance(files.host, FakeHost)
    assert "resuming the interrupted upload of large.jsonl" in files.host.messages[0]


@pytest.mark.parametrize("checks_until_interrupt", [1, 2, 3])
def test_an_interrupted_upload_reports_progress_and_is_resumed(
    another_process: Callable[..., FileManager], large: Path, service: Emulator, checks_until_interrupt: int
) -> None:
    service.fault("POST", PARTS, "hang", None, seconds=0.3, acts=True)
    with pytest.raises(
        CommandInterruptedError, match=r"of 6 parts of large.jsonl were sent: run `pulumi up`"
    ):
        obtain(another_process(checks_until_interrupt=checks_until_interrupt), large)
    service.clear_faults()

    file = obtain(another_process(), large)

    assert_only(service, file, large)
    assert len(service.uploads()) == 1


def test_an_interrupted_upload_without_a_key_is_cancelled(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    with pytest.raises(CommandInterruptedError):
        obtain(another_process(checks_until_interrupt=1), large, identity=None)

    assert [upload["status"] for upload in service.uploads()] == ["cancelled"]


def test_without_a_resume_store_uploads_work_and_interruptions_cancel(
    another_process: Callable[..., FileManager], large: Path, tmp_path: Path, service: Emulator
) -> None:
    full = ResumeStore(tmp_path / "large.jsonl" / "uploads")  # not writable
    interrupted, whole = another_process(checks_until_interrupt=1), another_process()
    interrupted.resume_store = whole.resume_store = full

    with pytest.raises(CommandInterruptedError):
        obtain(interrupted, large, has_unique_name=False)
    assert [upload["status"] for upload in service.uploads()] == ["cancelled"]

    assert_only(service, obtain(whole, large, has_unique_name=False), large)


def test_a_file_deleted_during_upload_is_still_uploaded(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    content = large.read_bytes()
    with large.open("rb") as opened:
        request = upload_request(large)
        large.unlink()
        file = another_process().get_or_upload(request, opened)

    assert service.backend.blobs.path(file.id).read_bytes() == content


@pytest.mark.parametrize("later", [3590, 90_000], ids=["about to expire", "unknown to the service"])
def test_an_expired_upload_starts_over(
    another_process: Callable[..., FileManager], large: Path, service: Emulator, later: float
) -> None:
    with pytest.raises(CommandInterruptedError):
        obtain(another_process(checks_until_interrupt=1), large)
    files = another_process()
    files.host.time.sleep(later)
    service.advance(later)

    file = obtain(files, large)

    assert [found["id"] for found in service.files()] == [file.id]
    assert len(service.uploads()) == 2


def test_an_upload_dropped_by_the_service_starts_over(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    with pytest.raises(CommandInterruptedError):
        obtain(another_process(checks_until_interrupt=1), large)
    (upload,) = service.uploads()
    another_process().api.cancel_upload(upload["id"])

    assert_only(service, obtain(another_process(), large), large)


@pytest.mark.parametrize("has_unique_name", [True, False], ids=["generated name", "chosen name"])
def test_a_completed_upload_without_response_is_found_later(
    another_process: Callable[..., FileManager], large: Path, service: Emulator, *, has_unique_name: bool
) -> None:
    service.fault("POST", COMPLETE, "drop_after")
    service.fault("POST", COMPLETE, "drop_before", None)
    service.fault("GET", "/v1/files", "drop_before", None, skip=1)
    with pytest.raises(ServiceConnectionError):
        obtain(another_process(), large, has_unique_name=has_unique_name)
    service.clear_faults()

    file = obtain(another_process(), large, has_unique_name=has_unique_name)

    assert_only(service, file, large)
    assert len(service.uploads()) == 1


@pytest.mark.parametrize("change", ["edited", "shorter", "longer"])
def test_a_file_changed_before_upload_is_refused(
    another_process: Callable[..., FileManager], large: Path, service: Emulator, change: str
) -> None:
    request, content = upload_request(large), large.read_bytes()
    large.write_bytes(
        {"edited": content[:-1] + b"!", "shorter": content[:460], "longer": content + b"!"}[change]
    )

    with (
        large.open("rb") as opened,
        pytest.raises(InputError, match=r"large\.jsonl' has changed since the program ran"),
    ):
        another_process().get_or_upload(request, opened)

    assert service.files() == []
    assert {upload["status"] for upload in service.uploads()} <= {"cancelled"}


@pytest.mark.parametrize("change_at", [2, 3], ids=["while it is hashed", "once it is hashed"])
@pytest.mark.parametrize("change", ["edited", "shorter"])
def test_a_file_changed_while_sending_parts_is_refused(
    another_process: Callable[..., FileManager], large: Path, service: Emulator, change: str, change_at: int
) -> None:
    content, checks = large.read_bytes(), count(1)

    def write() -> None:
        if next(checks) == change_at:
            large.write_bytes({"edited": content[:-1] + b"!", "shorter": content[:460]}[change])

    class Writing(FakeHost):
        def raise_if_interrupted(self) -> None:  # called during the upload of parts
            write()

    service.fault("POST", PARTS, "hang", seconds=0.5)

    with pytest.raises(InputError, match=r"large\.jsonl' has changed since the program ran"):
        obtain(another_process(Writing), large)

    assert service.files() == []
    assert [upload["status"] for upload in service.uploads()] == ["cancelled"]


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_service_without_uploads_gets_a_single_request(
    another_process: Callable[..., FileManager], large: Path, service: Emulator, status: int
) -> None:
    service.fault("POST", BEGIN, "status", None, status=status)
    files = another_process()

    assert_only(service, obtain(files, large), large)

    assert isinstance(files.host, FakeHost)
    assert "add `uploads` to openai-ft:unsupportedFeatures" in files.host.messages[0]


def test_a_stored_file_of_another_size_is_deleted(
    another_process: Callable[..., FileManager], large: Path, service: Emulator
) -> None:
    answer = {"id": "upload_1", "file": {"id": "file-short", "bytes": 7}}
    service.fault("POST", COMPLETE, "status", status=200, body=answer)
    service.fault("DELETE", "/v1/files/file-short", "status", status=200, body={})

    with pytest.raises(InputError, match="7 bytes at the service instead of 520"):
        obtain(another_process(), large)

    assert len(service.journal(method="DELETE", path="/v1/files/file-short")) == 1
    assert service.files() == []
