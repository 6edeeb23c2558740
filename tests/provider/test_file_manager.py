from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import FakeClock
from tests.fake_host import FakeHost
from tests.support import write_training_data

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.file_manager import FileManager, unique_filename
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.upload.request import UploadRequest
from pulumi_openai_ft.errors import InputError, ServiceConnectionError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

IDENTITY = {"__identity": "organization::dev::shop::File::data"}


@pytest.fixture
def time() -> FakeClock:
    return FakeClock()


@pytest.fixture
def files(configure: Configure, time: FakeClock) -> FileManager:
    """Return the file manager of a process without uploads."""
    provider = configure(FileProvider, maxRetries="0")
    return FileManager(provider.api, Host(time.time))


@pytest.fixture
def another_process(configure: Configure) -> Callable[[], FileProvider]:
    """Create providers without common memory, as in two runs of `pulumi up`."""
    return lambda: configure(FileProvider)


def upload(path: Path, **changes: Any) -> UploadRequest:
    return UploadRequest(
        **{"filename": path.name, "purpose": "fine-tune", "size": path.stat().st_size, **changes}
    )


def test_an_unrecorded_upload_is_found_by_the_next_run(
    another_process: Callable[[], FileProvider], training_data: Path, service: Emulator
) -> None:
    lost = another_process().create({**IDENTITY, "file": str(training_data)})

    found = another_process().create({**IDENTITY, "file": str(training_data)})

    assert found.id == lost.id
    assert len(service.files()) == 1


@pytest.mark.parametrize(
    "other",
    [{"__identity": "organization::prod::shop::File::data"}, {"purpose": "batch"}],
    ids=["another resource", "another purpose"],
)
def test_an_upload_for_another_resource_is_not_adopted(
    another_process: Callable[[], FileProvider], training_data: Path, other: dict[str, Any]
) -> None:
    first = another_process().create({**IDENTITY, "file": str(training_data)})

    assert another_process().create({**IDENTITY, "file": str(training_data), **other}).id != first.id


def test_an_upload_of_other_content_is_not_adopted(
    another_process: Callable[[], FileProvider], training_data: Path
) -> None:
    first = another_process().create({**IDENTITY, "file": str(training_data)})
    write_training_data(training_data, "Write to the helpdesk.")

    assert another_process().create({**IDENTITY, "file": str(training_data)}).id != first.id


def test_a_chosen_name_is_kept_and_adopted_when_remembered(
    another_process: Callable[[], FileProvider],
    training_data: Path,
    service: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    inputs = {**IDENTITY, "file": str(training_data), "filename": "mine.jsonl"}

    here = {another_process().create(dict(inputs)).id for _ in range(2)}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
    elsewhere = {another_process().create(dict(inputs)).id}

    assert (len(here), len(here | elsewhere)) == (1, 2)
    assert {file["filename"] for file in service.files()} == {"mine.jsonl"}


def test_an_unanswered_upload_with_chosen_name_is_found_later(
    configure: Configure, training_data: Path, service: Emulator
) -> None:
    """The service stops right after the upload, so the file cannot be searched for."""
    inputs = {**IDENTITY, "file": str(training_data), "filename": "mine.jsonl"}
    provider = configure(FileProvider, maxRetries="0")
    service.fault("POST", "/v1/files", "drop_after")
    service.fault("GET", "/v1/files", "drop_before", None, skip=1)
    with pytest.raises(ServiceConnectionError):
        provider.create(dict(inputs))
    service.clear_faults()

    found = configure(FileProvider).create(dict(inputs))

    assert [file["id"] for file in service.files()] == [found.id]


def test_a_refused_upload_with_chosen_name_is_not_remembered(
    files: FileManager, training_data: Path, service: Emulator
) -> None:
    service.fault("POST", "/v1/files", "status", status=403)

    with training_data.open("rb") as content, pytest.raises(ServiceError):
        files.get_or_upload(upload(training_data, identity="identity"), content)

    assert list(files.resume_store.folder.iterdir()) == []


def test_an_earlier_file_with_chosen_name_is_not_adopted(
    configure: Configure,
    another_process: Callable[[], FileProvider],
    training_data: Path,
    service: Emulator,
) -> None:
    other = another_process().create({"file": str(training_data), "filename": "mine.jsonl"})
    inputs = {**IDENTITY, "file": str(training_data), "filename": "mine.jsonl"}
    service.fault("POST", "/v1/files", "drop_before")
    service.fault("GET", "/v1/files", "drop_before", None, skip=1)
    with pytest.raises(ServiceConnectionError):
        configure(FileProvider, maxRetries="0").create(dict(inputs))
    service.clear_faults()

    assert another_process().create(dict(inputs)).id != other.id


@pytest.mark.parametrize("change", ["edited", "shorter", "longer"])
def test_a_file_changed_during_upload_is_an_error(
    files: FileManager, tmp_path: Path, service: Emulator, change: str
) -> None:
    path = tmp_path / "large.jsonl"
    path.write_bytes(b"x" * 300_000)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    request = upload(path, sha256=sha256)
    path.write_bytes(
        {"edited": b"x" * 299_999 + b"y", "shorter": b"x" * 99_999, "longer": b"x" * 300_001}[change]
    )

    with (
        path.open("rb") as content,
        pytest.raises(InputError, match=r"large\.jsonl' has changed since the program ran"),
    ):
        files.get_or_upload(request, content)

    assert service.files() == []


def test_a_forced_replacement_keeps_the_file_that_it_adopted(
    another_process: Callable[[], FileProvider], training_data: Path, service: Emulator
) -> None:
    old = another_process().create({**IDENTITY, "file": str(training_data)})
    provider = another_process()

    new = provider.create({**IDENTITY, "file": str(training_data)})
    provider.delete(old.id, old.outs or {})
    assert {file["id"] for file in service.files()} == {new.id}

    provider.delete(new.id, new.outs or {})
    assert service.files() == []


@pytest.mark.parametrize("action", ["drop_after", "truncate"])
def test_an_unanswered_upload_matches_by_name_size_and_time(
    files: FileManager, training_data: Path, service: Emulator, action: str
) -> None:
    service.fault("POST", "/v1/files", action)

    with training_data.open("rb") as content:
        found = files.get_or_upload(upload(training_data), content)

    assert [file["id"] for file in service.files()] == [found.id]


def test_an_older_file_with_equal_name_is_not_adopted(
    files: FileManager,
    another_process: Callable[[], FileProvider],
    training_data: Path,
    service: Emulator,
    time: FakeClock,
) -> None:
    another_process().create({"file": str(training_data)})
    service.fault("POST", "/v1/files", "drop_before")
    before = time.now

    with (
        training_data.open("rb") as content,
        pytest.raises(ServiceConnectionError, match="no matching file appeared"),
    ):
        files.get_or_upload(upload(training_data), content)

    assert time.now - before >= 30


@pytest.mark.parametrize("error", [86400, -86400])
def test_a_wrong_clock_loses_no_upload(
    configure: Configure, training_data: Path, service: Emulator, time: FakeClock, error: int
) -> None:
    time.now += error
    provider = configure(FileProvider, FakeHost(time=time.time), maxRetries="0")
    service.fault("POST", "/v1/files", "drop_after")

    with training_data.open("rb") as content:
        found = FileManager(provider.api, provider.host).get_or_upload(upload(training_data), content)

    assert [file["id"] for file in service.files()] == [found.id]


def test_a_generated_name_keeps_the_extension() -> None:
    assert unique_filename("data/chats.jsonl", {"a": 1}).startswith("chats-")
    assert unique_filename("data/chats.jsonl", {"a": 1}).endswith(".jsonl")
    assert unique_filename("data/chats.jsonl", {"a": 1}) != unique_filename("data/chats.jsonl", {"a": 2})
