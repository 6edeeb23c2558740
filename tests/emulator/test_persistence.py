from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import ADMIN_KEY, JOB_SECONDS, Address, Api, connect, rows
from tests.support import TODAY

from pulumi_openai_ft.emulator import Clock, Emulator, EmulatorError
from pulumi_openai_ft.server.store import SCHEMA_VERSION, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


FIRST_VERSION = Path(__file__).parent / "data" / "version-1.sql"


def persistent_emulator(data: Path) -> Emulator:
    """Return an emulator that stores its data in a folder, and whose time passes only in `advance`."""
    return Emulator(data=data, clock=Clock.manual(1_800_000_000), job_seconds=JOB_SECONDS, today=TODAY)


def test_everything_survives_a_restart(tmp_path: Path, open_client: Callable[..., Api]) -> None:
    with persistent_emulator(tmp_path) as emulator:
        api = open_client(emulator)
        job = api.train(metadata={"k": "v"}, seed=3)
        emulator.advance(JOB_SECONDS)
        model = api.job(job["id"])["fine_tuned_model"]
        open_client(emulator, ADMIN_KEY).post(
            f"/fine_tuning/checkpoints/{model}/permissions", json={"project_ids": ["proj_a"]}
        ).raise_for_status()
        upload = {"filename": "a.jsonl", "purpose": "fine-tune", "bytes": 3, "mime_type": "text/jsonl"}
        upload_id = api.post("/uploads", json=upload).json()["id"]
        part = api.post(f"/uploads/{upload_id}/parts", files={"data": ("p", b"abc")}).json()["id"]
        stored = [
            emulator.files(),
            emulator.jobs(),
            emulator.permissions(),
            emulator.models(),
            emulator.uploads(),
        ]
        events, checkpoints = api.events(job["id"], limit=100), api.checkpoints(job["id"])

    with persistent_emulator(tmp_path) as emulator:
        api = open_client(emulator)
        assert stored == [
            emulator.files(), emulator.jobs(), emulator.permissions(), emulator.models(), emulator.uploads()
        ]  # fmt: skip
        assert api.events(job["id"], limit=100) == events
        assert api.checkpoints(job["id"]) == checkpoints
        assert api.get(f"/files/{job['training_file']}/content").content == rows()
        completed = api.post(f"/uploads/{upload_id}/complete", json={"part_ids": [part]})
        assert completed.json()["status"] == "completed"
        fresh = api.train(training_file=job["training_file"])
        assert fresh["id"] not in {book["id"] for book in stored[1]}


def test_a_running_job_continues_after_a_restart(tmp_path: Path, open_client: Callable[..., Api]) -> None:
    with persistent_emulator(tmp_path) as emulator:
        job_id = open_client(emulator).train()["id"]
        emulator.advance(JOB_SECONDS / 2)
        before = open_client(emulator).events(job_id)

    with persistent_emulator(tmp_path) as emulator:
        api = open_client(emulator)
        assert api.events(job_id) == before
        emulator.advance(JOB_SECONDS / 2)
        assert api.job(job_id)["status"] == "succeeded"


def test_time_passes_while_the_emulator_is_stopped(tmp_path: Path, open_client: Callable[..., Api]) -> None:
    now = 1_800_000_000.0

    def emulator() -> Emulator:
        return Emulator(data=tmp_path, clock=Clock(speed=60, source=lambda: now), today=TODAY)

    with emulator() as first:
        job_id = open_client(first).train()["id"]
    now += 1
    with emulator() as second:
        assert open_client(second).job(job_id)["status"] == "running"


def test_uncommitted_content_is_deleted_at_start(tmp_path: Path) -> None:
    with persistent_emulator(tmp_path) as emulator:
        draft = emulator.backend.blobs.draft()
        draft.write(b"half a fi")
        assert list(emulator.backend.blobs.folder.iterdir())
        draft._file.close()
    with persistent_emulator(tmp_path) as emulator:
        assert list(emulator.backend.blobs.folder.iterdir()) == []


def test_one_folder_serves_one_emulator(tmp_path: Path) -> None:
    with persistent_emulator(tmp_path), pytest.raises(EmulatorError, match="in use by another server"):
        persistent_emulator(tmp_path).start()


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    with persistent_emulator(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "books.sqlite")) as stored:
        stored.execute("PRAGMA user_version = 99")
    other = tmp_path / "other"
    other.mkdir()
    (other / "books.sqlite").write_bytes(
        b"this is no database, but a long enough text to be read as one" * 99
    )

    for folder, reason in ((tmp_path, "schema version 99"), (other, "not a database")):
        with pytest.raises(EmulatorError, match=rf"data directory .* cannot be used: .*{reason}.* --data"):
            persistent_emulator(folder).start()


def test_data_of_the_first_version_is_migrated(tmp_path: Path, open_client: Callable[..., Api]) -> None:
    with closing(sqlite3.connect(tmp_path / "books.sqlite")) as stored:
        stored.executescript(FIRST_VERSION.read_text())
    assert "notices" not in FIRST_VERSION.read_text()

    with persistent_emulator(tmp_path) as emulator:
        (before,) = emulator.jobs()
        emulator.advance(10_000)
        client = open_client(emulator)
        after, events = client.job(before["id"]), client.events(before["id"])

    assert (before["status"], after["status"]) == ("running", "succeeded")
    assert events[-1]["message"] == f"Created fine-tuning job: {before['id']}"
    with closing(sqlite3.connect(tmp_path / "books.sqlite")) as stored:
        assert stored.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert stored.execute("SELECT notices FROM jobs").fetchall() == [(0,)]


def test_a_store_that_cannot_be_opened_is_closed(tmp_path: Path) -> None:
    """Python 3.13 warns about an unclosed connection."""
    file = tmp_path / "books.sqlite"
    file.write_bytes(b"this is no database, but a long enough text to be read as one" * 99)

    with pytest.raises(sqlite3.DatabaseError) as refused:
        Store(file)

    assert refused.value  # keeps the frame, and therefore the store, alive
    assert file not in {found.readlink() for found in Path("/proc/self/fd").iterdir() if found.exists()}


@contextmanager
def process(data: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Api]]:
    """Start an emulator in a separate process, and create a client of it."""
    command = [
        sys.executable,
        "-m",
        "pulumi_openai_ft.emulator",
        "--data",
        str(data),
        "--today",
        str(TODAY),
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        with connect(Address(running)) as api:
            yield running, api
        running.kill()


def test_acknowledged_requests_survive_a_kill(tmp_path: Path) -> None:
    with process(tmp_path) as (running, api):
        job = api.train(metadata={"k": "v"})
        running.send_signal(signal.SIGKILL)
        running.wait()

    with process(tmp_path) as (_, api):
        found = api.get("/fine_tuning/jobs", params={"metadata[k]": "v"}).json()["data"]
        assert [(again["id"], again["seed"]) for again in found] == [(job["id"], job["seed"])]
        assert api.get(f"/files/{job['training_file']}/content").content == rows()
