from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._provider.upload.resume_store import TTL, ResumeStore, UploadRecord

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.0
ENTRY = UploadRecord(NOW, ["file-1"], "upload_1", NOW + 3600, 100, {0: "part_a", 2: "part_c"})


@pytest.fixture
def store(tmp_path: Path) -> ResumeStore:
    return ResumeStore(tmp_path / "below" / "ledger")


def test_records_are_found_by_another_process(store: ResumeStore) -> None:
    assert store.write("key", ENTRY)

    assert ResumeStore(store.folder).find("key", NOW) == ENTRY
    assert store.find("other", NOW) is None


def test_only_the_user_can_read_it(store: ResumeStore) -> None:
    store.write("key", ENTRY)

    assert store.folder.stat().st_mode & 0o077 == 0


def test_it_is_in_the_users_cache_folder(tmp_path: Path) -> None:
    assert ResumeStore().folder == tmp_path / "cache" / "pulumi-openai-ft" / "uploads"


def test_expired_records_are_not_found_and_dropped(store: ResumeStore) -> None:
    store.write("key", ENTRY)
    (file,) = store.folder.iterdir()

    assert store.find("key", NOW + TTL) is None
    store.drop_old(NOW + TTL - 1)
    assert file.exists()
    store.drop_old(NOW + TTL)
    assert not file.exists()


def test_deleted_records_are_not_found(store: ResumeStore) -> None:
    store.write("key", ENTRY)
    store.forget("key")
    store.forget("key")

    assert store.find("key", NOW) is None


def test_lists_the_files_of_other_resources(store: ResumeStore) -> None:
    store.write("mine", UploadRecord(NOW, file_id="file-mine"))
    store.write("other", UploadRecord(NOW, file_id="file-other"))
    store.write("unfinished", ENTRY)

    assert store.files_of_others("mine") == {"file-other"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"began":"soon"}', b"\xff"], ids=repr)
def test_an_unreadable_record_is_ignored(store: ResumeStore, content: bytes) -> None:
    store.write("key", ENTRY)
    (file,) = store.folder.iterdir()
    file.write_bytes(content)

    assert store.find("key", NOW) is None
    assert store.files_of_others(None) == set()
    store.drop_old(NOW)
    assert not file.exists()


def test_without_a_folder_nothing_is_recorded(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = ResumeStore(tmp_path / "file" / "ledger")

    assert not store.write("key", ENTRY)
    store.forget("key")
    store.drop_old(NOW)
    assert store.find("key", NOW) is None


def test_without_a_key_nothing_is_recorded(store: ResumeStore) -> None:
    assert not store.write(None, ENTRY)
    store.forget(None)
    assert store.find(None, NOW) is None
