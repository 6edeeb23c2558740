from __future__ import annotations

import fcntl
import io
import os
import resource
import signal
import sqlite3
import tarfile
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from pulumi_openai_ft.serve.backup import back_up, restore
from pulumi_openai_ft.serve.errors import ServeError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "jobs" / "ftjob-1" / "checkpoints").mkdir(parents=True, mode=0o700)
    (folder / "blobs").mkdir()
    (folder / "blobs" / "file-1").write_bytes(b"rows")
    (folder / "jobs" / "ftjob-1" / "training.jsonl").hardlink_to(folder / "blobs" / "file-1")
    (folder / "jobs" / "ftjob-1" / "metrics.jsonl").write_text("{}\n")
    (folder / "jobs" / "ftjob-1" / "process.json").write_text('{"pid": 1}')
    (folder / "jobs" / "ftjob-1" / "lock").touch()
    (folder / "lock").touch()
    with closing(sqlite3.connect(folder / "books.sqlite")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE files (name TEXT)")
        database.execute("INSERT INTO files VALUES ('file-1')")
        database.commit()
    return folder


def files(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as opened:
        return {name for (name,) in opened.execute("SELECT name FROM files")}


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if ".sqlite" not in path.name
    }


def test_a_restored_folder_equals_the_original(data: Path, tmp_path: Path) -> None:
    size = back_up(data, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "restored")
    expected = contents(data)
    for name in ("lock", "jobs/ftjob-1/lock", "jobs/ftjob-1/process.json"):
        del expected[name]
    assert contents(tmp_path / "restored") == expected
    assert files(tmp_path / "restored" / "books.sqlite") == {"file-1"}
    assert size == (tmp_path / "backup.tar").stat().st_size


def test_only_the_owner_can_read_backup_and_folder(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "restored")
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
    folders = [path for path in tmp_path.glob("restored/**") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_transactions_in_the_log_file_are_copied(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "books.sqlite")) as running:
        running.execute("INSERT INTO files VALUES ('file-2')")
        running.commit()
        assert (data / "books.sqlite-wal").stat().st_size > 0
        running.execute("INSERT INTO files VALUES ('unfinished')")
        back_up(data, tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "restored")
    assert files(tmp_path / "restored" / "books.sqlite") == {"file-1", "file-2"}


def test_a_backup_of_a_busy_folder_is_consistent(data: Path, tmp_path: Path) -> None:
    """Add files and their rows all the time: each row of the copy has its file, and files have their whole content."""
    stop, count = threading.Event(), [0]
    content = b"x" * 5000

    def work() -> None:
        with closing(sqlite3.connect(data / "books.sqlite")) as database:
            while not stop.is_set():
                name = f"file-{count[0] + 2}"
                draft = data / "blobs" / f"{name}.draft"
                draft.write_bytes(content)
                draft.rename(data / "blobs" / name)
                database.execute("INSERT INTO files VALUES (?)", (name,))
                database.commit()
                count[0] += 1
                time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        number = 0
        while number < 5 or count[0] <= 5:
            back_up(data, tmp_path / f"{number}.tar")
            number += 1
    finally:
        stop.set()
        thread.join()
    for number in range(5):
        folder = tmp_path / f"restored-{number}"
        restore(tmp_path / f"{number}.tar", folder)
        copied = {path.name: path.read_bytes() for path in (folder / "blobs").iterdir()}
        assert files(folder / "books.sqlite") <= set(copied)
        assert {found for name, found in copied.items() if name != "file-1"} <= {content}
    assert not [*data.glob(".backup-*")]


def test_a_leftover_of_a_killed_backup_is_not_copied(data: Path, tmp_path: Path) -> None:
    (data / ".backup-killed" / "0").mkdir(parents=True)
    back_up(data, tmp_path / "backup.tar")
    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert not [name for name in archive.getnames() if ".backup-" in name]
    assert not [*data.glob(".backup-*")]


def test_a_second_backup_at_the_same_time_is_refused(data: Path, tmp_path: Path) -> None:
    folder = os.open(data, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(ServeError, match="another backup of "):
        back_up(data, tmp_path / "backup.tar")
    os.close(folder)
    back_up(data, tmp_path / "backup.tar")


def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "backup.tar")
    with pytest.raises(ServeError, match=r"backup\.tar already exists"):
        back_up(data, tmp_path / "backup.tar")
    with pytest.raises(ServeError, match="is not empty: move it away first"):
        restore(tmp_path / "backup.tar", data)
    assert files(data / "books.sqlite") == {"file-1"}


def test_a_backup_inside_of_the_folder_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    with pytest.raises(ServeError, match=r"backup\.tar is in the data folder"):
        back_up(data, Path("jobs/../backup.tar"))
    assert not [*data.glob("backup.tar*")]


def test_a_full_disk_leaves_no_partial_backup(data: Path, tmp_path: Path) -> None:
    (data / "blobs" / "file-2").write_bytes(b"x" * 3_000_000)
    # a limit of the size of files has the effect of a full disk
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(ServeError, match="the backup failed: File too large"):
            back_up(data, tmp_path / "backup.tar")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    assert not [*tmp_path.glob("backup*"), *data.glob(".backup-*")]


def test_an_empty_folder_is_filled(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "backup.tar")
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "backup.tar", tmp_path / "empty")
    assert files(tmp_path / "empty" / "books.sqlite") == {"file-1"}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="nothing to back up"):
        back_up(tmp_path / "no", tmp_path / "backup.tar")


def test_a_target_that_cannot_be_written_is_named(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ServeError, match=r"the backup failed: .*no/backup\.tar\.partial: No such file"):
        back_up(data, tmp_path / "no" / "backup.tar")
    assert not [*data.glob(".backup-*")]


def tar(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name.replace("_dot_", ".").replace("__", "/"))
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (None, "cannot be restored: "),
        ({"other": b"x"}, "is not a backup of `openai-ft serve backup`"),
        ({"backup_dot_json": b'{"schema": 2}'}, r"another version \(schema 2, not 1\)"),
        ({"backup_dot_json": b'{"schema": 1}', "_dot__dot___escape": b"x"}, "cannot be restored: .*outside"),
        ({"backup_dot_json": b'{"schema": 1}'}, "cannot be restored: "),
        ({"backup_dot_json": b"not json"}, "is not a backup"),
        (
            {"backup_dot_json": b'{"schema": 1}', "data__books_dot_sqlite": b"x" * 5000},
            "file is not a database",
        ),
    ],
)
def test_a_file_that_is_not_a_backup_changes_nothing(
    tmp_path: Path, members: dict[str, bytes] | None, reason: str
) -> None:
    source = tmp_path / "backup.tar"
    source.write_bytes(b"no tar") if members is None else tar(source, **members)
    with pytest.raises(ServeError, match=reason):
        restore(source, tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["backup.tar"]


def test_a_truncated_backup_changes_nothing(data: Path, tmp_path: Path) -> None:
    (data / "blobs" / "file-2").write_bytes(b"x" * 100_000)
    back_up(data, tmp_path / "backup.tar")
    whole = (tmp_path / "backup.tar").read_bytes()
    for part in (0.2, 0.6, 0.9):
        (tmp_path / "part.tar").write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(ServeError, match=r"part\.tar"):
            restore(tmp_path / "part.tar", tmp_path / "restored")
        assert not (tmp_path / "restored").exists()
