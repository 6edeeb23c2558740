from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._provider.upload.resume_store import TTL, ResumeStore, UploadRecord

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000.0
ENTRY = UploadRecord(NOW, ["file-1"], "upload_1", NOW + 3600, 100, {0: "part_a", 2: "part_c"})


@pytest.fixture
def ledger(tmp_path: Path) -> ResumeStore:
    return ResumeStore(tmp_path / "below" / "ledger")


def test_records_are_found_by_another_process(ledger: ResumeStore) -> None:
    assert ledger.write("key", ENTRY)

    assert ResumeStore(ledger.folder).find("key", NOW) == ENTRY
    assert ledger.find("other", NOW) is None


def test_only_the_user_can_read_it(ledger: ResumeStore) -> None:
    ledger.write("key", ENTRY)

    assert ledger.folder.stat().st_mode & 0o077 == 0


def test_it_is_in_the_users_cache_folder(tmp_path: Path) -> None:
    assert ResumeStore().folder == tmp_path / "cache" / "pulumi-openai-ft" / "uploads"


def test_expired_records_are_not_found_and_dropped(ledger: ResumeStore) -> None:
    ledger.write("key", ENTRY)
    (file,) = ledger.folder.iterdir()

    assert ledger.find("key", NOW + TTL) is None
    ledger.drop_old(NOW + TTL - 1)
    assert file.exists()
    ledger.drop_old(NOW + TTL)
    assert not file.exists()


def test_deleted_records_are_not_found(ledger: ResumeStore) -> None:
    ledger.write("key", ENTRY)
    ledger.forget("key")
    ledger.forget("key")

    assert ledger.find("key", NOW) is None


def test_lists_the_files_of_other_resources(ledger: ResumeStore) -> None:
    ledger.write("mine", UploadRecord(NOW, file_id="file-mine"))
    ledger.write("other", UploadRecord(NOW, file_id="file-other"))
    ledger.write("unfinished", ENTRY)

    assert ledger.files_of_others("mine") == {"file-other"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"began":"soon"}', b"\xff"], ids=repr)
def test_an_unreadable_record_is_ignored(ledger: ResumeStore, content: bytes) -> None:
    ledger.write("key", ENTRY)
    (file,) = ledger.folder.iterdir()
    file.write_bytes(content)

    assert ledger.find("key", NOW) is None
    assert ledger.files_of_others(None) == set()
    ledger.drop_old(NOW)
    assert not file.exists()


def test_a_folder_that_cannot_be_made_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger = ResumeStore(tmp_path / "file" / "ledger")

    assert not ledger.write("key", ENTRY)
    ledger.forget("key")
    ledger.drop_old(NOW)
    assert ledger.find("key", NOW) is None


def test_without_a_key_nothing_is_remembered(ledger: ResumeStore) -> None:
    assert not ledger.write(None, ENTRY)
    ledger.forget(None)
    assert ledger.find(None, NOW) is None
