"""Uploads that are completed twice at the same time, and contents that expire."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.counted_service import Bench, bench_of
from tests.serve.services import rows

from pulumi_openai_ft.server.clock import SystemClock
from pulumi_openai_ft.server.expiry import remove_expired
from pulumi_openai_ft.server.handlers import uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOUR = 3600


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with bench_of(tmp_path / "service") as bench:
        yield bench


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that sets the clock forward."""
    return lambda seconds: monkeypatch.setattr(SystemClock, "now", lambda _: time.time() + seconds)


def contents(bench: Bench) -> set[str]:
    """Return the names of all contents on the disk."""
    return {path.name for path in bench.service.backend.blobs.folder.iterdir()}


def upload_a_part(bench: Bench) -> tuple[str, str]:
    """Create an upload with all of its content. Return the ids of the upload and of its part."""
    body = {"filename": "a", "purpose": "fine-tune", "bytes": len(rows()), "mime_type": "text/jsonl"}
    upload = bench.client.post("/v1/uploads", json=body).json()["id"]
    part = bench.client.post(f"/v1/uploads/{upload}/parts", files={"data": ("a", rows())}).json()["id"]
    return upload, part


def test_expired_contents_leave_the_disk(bench: Bench, pass_time: Callable[[float], None]) -> None:
    expiry = {"expires_after[anchor]": "created_at", "expires_after[seconds]": str(HOUR)}
    form = {"purpose": "fine-tune", **expiry}
    file = bench.client.post("/v1/files", files={"file": ("a", rows())}, data=form).json()["id"]
    upload, part = upload_a_part(bench)

    remove_expired(bench.service.backend)
    assert contents(bench) == {bench.file, file, part}

    pass_time(HOUR + 1)
    remove_expired(bench.service.backend)
    assert contents(bench) == {bench.file}
    assert bench.client.get(f"/v1/files/{file}").status_code == 404
    late = bench.client.post(f"/v1/uploads/{upload}/complete", json={"part_ids": [part]})
    assert "is expired" in late.json()["error"]["message"]


def test_a_started_service_removes_expired_contents(bench: Bench, pass_time: Callable[[float], None]) -> None:
    upload_a_part(bench)
    pass_time(HOUR + 1)

    with bench.client:
        deadline = time.monotonic() + 10
        while contents(bench) != {bench.file}:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_upload_completed_twice_has_one_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    upload, part = upload_a_part(bench)
    barrier, join = Barrier(2), uploads._join

    def join_together(*arguments: Any) -> None:
        join(*arguments)
        barrier.wait(10)

    monkeypatch.setattr(uploads, "_join", join_together)
    with ThreadPoolExecutor() as clients:
        post = lambda _: bench.client.post(f"/v1/uploads/{upload}/complete", json={"part_ids": [part]})  # noqa: E731
        codes = sorted(answer.status_code for answer in clients.map(post, range(2)))

    assert codes == [200, 400]
    files = bench.client.get("/v1/files").json()["data"]
    assert contents(bench) == {file["id"] for file in files}
    assert len(files) == 2
