from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_host import FakeHost

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft.errors import CommandInterruptedError, InputError
from pulumi_openai_ft.training_data import check, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def provider(configure: Configure) -> FileProvider:
    made: FileProvider = configure(FileProvider)
    return made


def reasons(provider: FileProvider, **inputs: Any) -> list[str]:
    return [failure.reason for failure in provider.check({}, inputs).failures]


def test_uploads_the_file_under_its_own_name(
    provider: FileProvider, training_data: Path, service: Emulator
) -> None:
    created = provider.create({"file": str(training_data)})

    (file,) = service.files()
    assert created.id == file["id"]
    assert (file["filename"], file["purpose"], file["bytes"]) == (
        "training.jsonl",
        "fine-tune",
        training_data.stat().st_size,
    )


def test_the_state_describes_the_uploaded_file(provider: FileProvider, training_data: Path) -> None:
    outs = provider.create({"file": str(training_data)}).outs or {}

    assert outs["sha256"] == hashlib.sha256(training_data.read_bytes()).hexdigest()
    assert outs["status"] in {"uploaded", "processed"}
    assert "file" not in outs


def test_name_purpose_and_expiry_follow_the_program(
    provider: FileProvider, training_data: Path, service: Emulator
) -> None:
    expiry = {"anchor": "created_at", "seconds": 3600.0}

    created = provider.create(
        {"file": str(training_data), "filename": "other.jsonl", "purpose": "batch", "expires_after": expiry}
    )

    (file,) = service.files()
    assert (file["filename"], file["purpose"]) == ("other.jsonl", "batch")
    assert file["expires_at"] - file["created_at"] == 3600
    assert (created.outs or {})["expires_after"] == expiry


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"file": "missing.jsonl"}, "file: 'missing.jsonl' cannot be read (no such file or directory)"),
        ({"file": "."}, "file: '.' is a directory"),
        ({"file": "/dev/zero"}, "file: '/dev/zero' is not a regular file: pass the path of a regular file"),
        ({"file": "\0"}, "file: '\\x00' cannot be read ("),
        (
            {"file": __file__, "purpose": "fine_tune"},
            "purpose: 'fine_tune' is invalid: must be 'fine-tune', 'assist",
        ),
        (
            {"file": __file__, "expires_after": {"anchor": "created_at", "seconds": 60.0}},
            "expires_after.seconds: 60",
        ),
        ({"file": __file__, "expires_after": {"seconds": 3600.0}}, "expires_after.anchor: is missing"),
    ],
    ids=repr,
)
def test_bad_input_is_reported_at_preview(
    provider: FileProvider, inputs: dict[str, Any], sentence: str
) -> None:
    (reason,) = reasons(provider, **inputs)

    assert reason.startswith(sentence)


@pytest.mark.parametrize(
    ("service_name", "size", "sentence"),
    [
        ("generic", 512 * 2**20 + 1, "the service 'generic' does not support multipart uploads"),
        ("openai", 8 * 2**30 + 1, "8589934593 bytes exceed the upload limit of 8589934592 bytes"),
    ],
)
def test_a_too_large_file_is_reported_at_preview(
    configure: Configure, tmp_path: Path, service_name: str, size: int, sentence: str
) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as content:
        content.truncate(size)  # a sparse file, which needs no space

    (reason,) = reasons(configure(FileProvider, service=service_name), file=str(path))

    assert reason.startswith(f"file: {str(path)!r}: ")
    assert sentence in reason


def test_a_new_file_needs_a_path(provider: FileProvider) -> None:
    with pytest.raises(InputError, match="file: is missing"):
        provider.create({"purpose": "fine-tune"})


@pytest.mark.parametrize("name", ["gone.jsonl", "/dev/zero", "fifo"])
def test_an_unreadable_file_is_an_error_without_an_upload(
    provider: FileProvider, tmp_path: Path, service: Emulator, name: str
) -> None:
    if name == "fifo":
        os.mkfifo(tmp_path / name)

    with pytest.raises(InputError, match=r"^file: '.*' (cannot be read|is not a regular file)"):
        provider.create({"file": str(tmp_path / name), "purpose": "batch"})

    assert service.journal(method="POST", path="/v1/files") == []


OLDS = {"sha256": "a" * 64, "purpose": "fine-tune", "filename": "a.jsonl", "bytes": 3.0}


@pytest.mark.parametrize(
    "news",
    [
        {},
        {"file": "elsewhere/b.jsonl", "sha256": "a" * 64},
        {"filename": "a.jsonl"},
        {"purpose": "fine-tune"},
    ],
    ids=repr,
)
def test_the_same_content_is_not_a_change(provider: FileProvider, news: dict[str, Any]) -> None:
    assert provider.diff("file-1", OLDS, news).changes is False


@pytest.mark.parametrize(
    ("news", "replaces"),
    [
        ({"sha256": "b" * 64}, ["sha256"]),
        ({"filename": "b.jsonl", "sha256": "a" * 64}, ["filename"]),
        ({"purpose": "batch"}, ["purpose"]),
        ({"expires_after": {"anchor": "created_at", "seconds": 3600}}, ["expires_after"]),
    ],
    ids=repr,
)
def test_other_content_replaces_the_file(
    provider: FileProvider, news: dict[str, Any], replaces: list[str]
) -> None:
    assert provider.diff("file-1", OLDS, news).replaces == replaces


def test_reading_a_created_resource_shows_no_change(provider: FileProvider, training_data: Path) -> None:
    inputs = {
        "file": str(training_data),
        "sha256": hashlib.sha256(training_data.read_bytes()).hexdigest(),
        "expires_after": {"anchor": "created_at", "seconds": 7200.0},
    }
    created = provider.create(inputs)

    read = provider.read(created.id, created.outs or {})

    assert read.outs == created.outs
    assert provider.diff(created.id, read.outs or {}, inputs).changes is False


def test_a_missing_file_reads_as_deleted(provider: FileProvider) -> None:
    read = provider.read("file-gone", {})

    assert (read.id, read.outs) == ("", {})


def test_deletes_the_file(provider: FileProvider, training_data: Path, service: Emulator) -> None:
    created = provider.create({"file": str(training_data)})

    provider.delete(created.id, created.outs or {})

    assert service.files() == []


def test_deleting_a_missing_file_succeeds(provider: FileProvider) -> None:
    provider.delete("file-gone", {})


ANSWERLESS = '{"messages": [{"role": "user", "content": "How do I reset my password?"}]}\n'


class TestRowChecks:
    """Reports about rows of training data before an upload."""

    @pytest.fixture
    def data(self, training_data: Path) -> Path:
        """Write twelve rows: the service would reject the third, and the fifth duplicates the fourth."""
        rows = training_data.read_text().splitlines(keepends=True)
        training_data.write_text("".join([*rows[:2], ANSWERLESS, rows[3], rows[3], *rows[5:]]))
        return training_data

    @pytest.fixture
    def warnings(self, provider: FileProvider) -> list[str]:
        """Return the warnings of the provider so far."""
        host = FakeHost()
        provider.host = host
        return host.warnings

    def test_refused_rows_are_an_error_with_their_line(
        self, provider: FileProvider, data: Path, warnings: list[str]
    ) -> None:
        (reason,) = reasons(provider, file=str(data))

        assert reason.startswith(f"file: {str(data)!r}: line 3: ")
        assert "; add an assistant message" in reason
        assert warnings == []

    def test_with_warn_it_is_reported_and_uploaded(
        self, provider: FileProvider, data: Path, warnings: list[str]
    ) -> None:
        assert reasons(provider, file=str(data), validate="warn") == []

        assert [sentence.split(": ")[2] for sentence in warnings] == ["line 3", "line 5"]

    @pytest.mark.parametrize(
        "more", [{"validate": "off"}, {"purpose": "user_data"}, {"purpose": "user_data", "validate": "error"}]
    )
    def test_files_without_checks_get_no_report(
        self, provider: FileProvider, data: Path, warnings: list[str], more: dict[str, str]
    ) -> None:
        assert (reasons(provider, file=str(data), **more), warnings) == ([], [])

    def test_a_checked_file_is_not_checked_again(
        self, provider: FileProvider, data: Path, warnings: list[str]
    ) -> None:
        """A file accepted by an earlier version of this package is not reported again."""
        inputs = {"file": str(data), "sha256": "a" * 64, "purpose": "fine-tune"}

        assert (provider.check(inputs, inputs).failures, warnings) == ([], [])
        assert provider.check({**inputs, "sha256": "b" * 64}, inputs).failures != []

    def test_warnings_of_one_kind_are_reported_once(
        self, provider: FileProvider, training_data: Path, warnings: list[str]
    ) -> None:
        training_data.write_text(training_data.read_text() * 2)

        assert reasons(provider, file=str(training_data)) == []

        (sentence,) = warnings
        assert ": line 13: the example is identical to line 1; " in sentence
        assert sentence.endswith(" (and 11 more like it)")

    def test_warnings_of_one_kind_do_not_hide_others(
        self, provider: FileProvider, training_data: Path, warnings: list[str]
    ) -> None:
        training_data.write_text(training_data.read_text() * 3 + "\n")

        assert reasons(provider, file=str(training_data)) == []

        assert len(warnings) == 2

    def test_a_secret_path_is_not_shown(
        self, provider: FileProvider, data: Path, warnings: list[str], tmp_path: Path
    ) -> None:
        secret = {"__secret_inputs": ["file"]}

        (bad,) = reasons(provider, file=str(data), **secret)
        (missing,) = reasons(provider, file=str(tmp_path / "nothing"), **secret)

        assert bad.startswith("file: [secret]: line 3: ")
        assert missing.startswith("file: [secret] cannot be read")
        assert warnings == []

    def test_content_written_later_is_not_counted(self, provider: FileProvider, training_data: Path) -> None:
        planned = provider.preview_outputs(None, {"file": str(training_data), "sha256": "a" * 64})

        assert (planned["example_count"], planned["token_count"]) == (None, None)

    def test_a_file_is_read_once_for_all_purposes(
        self, provider: FileProvider, configure: Configure, training_data: Path
    ) -> None:
        """The file is read once even right after it was written, including for the job that trains on it."""
        inputs = {"file": str(training_data), "sha256": sha256(training_data)}
        job = {
            "model": "gpt-4o-mini-2024-07-18",
            "training_file": "file-1",
            "__training_file_sha256": inputs["sha256"],
            "__training_data": {"file": str(training_data), "validate": None},
        }
        tokens = check(training_data).tokens
        training_data.write_text("{")

        assert reasons(provider, **inputs) == []
        planned = provider.preview_outputs(None, inputs)
        priced = configure(FineTuningJobProvider).check({}, job)

        assert (planned["example_count"], planned["token_count"]) == (12, tokens)
        assert priced.failures == []
        assert priced.inputs["__estimate"]["tokens"] == 8 * tokens

    def test_concurrent_resources_read_a_file_once(self, provider: FileProvider, training_data: Path) -> None:
        inputs = {"file": str(training_data), "sha256": sha256(training_data)}
        reads, others = [], Barrier(2)

        class Hesitating(Host):
            @property
            def is_interrupted(self) -> bool:
                reads.append(1)
                with suppress(BrokenBarrierError):
                    others.wait(0.2)  # a second reader would start
                return False

        provider.host = Hesitating()
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: reasons(provider, **inputs), range(4)))

        assert found == [[]] * 4
        assert len(reads) == 1

    def test_an_interruption_while_rows_are_counted_uploads_nothing(
        self, provider: FileProvider, training_data: Path, service: Emulator
    ) -> None:
        provider.host = FakeHost(is_interrupted=True)

        with pytest.raises(CommandInterruptedError, match="while reading training data"):
            provider.create({"file": str(training_data), "validate": "off"})

        assert service.files() == []

    def test_another_validation_level_is_not_a_change(self, provider: FileProvider) -> None:
        assert provider.diff("file-1", OLDS, {"sha256": "a" * 64, "validate": "off"}).changes is False

    def test_rows_and_tokens_are_stable_outputs(self, provider: FileProvider, training_data: Path) -> None:
        inputs = {"file": str(training_data), "validate": "off", "sha256": sha256(training_data)}
        expected = {"example_count": 12, "token_count": check(training_data).tokens}

        planned = provider.preview_outputs(None, inputs)
        created = provider.create(inputs)
        read = provider.read(created.id, created.outs or {})
        updated = provider.update(created.id, read.outs or {}, inputs)

        for outs in (planned, created.outs, read.outs, updated.outs):
            assert {name: (outs or {})[name] for name in expected} == expected

    def test_files_not_for_training_are_not_counted(
        self, provider: FileProvider, training_data: Path
    ) -> None:
        outs = provider.create({"file": str(training_data), "purpose": "batch"}).outs or {}

        assert (outs["example_count"], outs["token_count"]) == (None, None)

    def test_a_state_without_counts_is_read_unchanged(
        self, provider: FileProvider, training_data: Path
    ) -> None:
        created = provider.create({"file": str(training_data)})
        old = {name: value for name, value in (created.outs or {}).items() if not name.endswith("_count")}

        assert provider.read(created.id, old).outs == old


class TestOverTime:
    """A service whose time passes only in `advance`."""

    @pytest.fixture
    def service(self, slow_service: Emulator) -> Emulator:
        return slow_service

    def test_a_file_of_a_live_job_is_not_deleted(
        self, configure: Configure, training_data: Path, service: Emulator
    ) -> None:
        provider = configure(FileProvider)
        file = provider.create({"file": str(training_data)})
        jobs = configure(FineTuningJobProvider)
        job = jobs.create(
            {"model": "gpt-4o-mini-2024-07-18", "training_file": file.id, "wait_for_completion": False}
        )

        with pytest.raises(InputError, match=f"{file.id} cannot be deleted: job {job.id} is "):
            provider.delete(file.id, file.outs or {})

        assert len(service.files()) == 1

    def test_a_just_cancelled_job_needs_no_file(
        self, configure: Configure, training_data: Path, service: Emulator
    ) -> None:
        """A destroy deletes jobs and files concurrently, so a list of jobs is soon outdated."""
        provider, jobs = configure(FileProvider), configure(FineTuningJobProvider)
        file, other = (provider.create({"file": str(training_data)}) for _ in range(2))
        job = jobs.create(
            {"model": "gpt-4o-mini-2024-07-18", "training_file": file.id, "wait_for_completion": False}
        )
        provider.delete(other.id, other.outs or {})
        jobs.delete(job.id, job.outs or {})

        provider.delete(file.id, file.outs or {})

        assert service.files() == []
