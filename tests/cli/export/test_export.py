"""`openai-ft export` against the emulator."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.imports.test_program_source import calls
from tests.cli.look.terminal import MAX_WAIT, Terminal
from tests.e2e.import_.importing import MODEL, rows_of, supervised

from pulumi_openai_ft.cli.export.account import safe_path
from pulumi_openai_ft.cli.export.contents import OVERLAP
from pulumi_openai_ft.cli.export.progress import NAME
from pulumi_openai_ft.cli.imports.program_source import Reference
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.cli.project import Project, WrapperStatus, compare

if TYPE_CHECKING:
    from tests.e2e.import_.importing import Account

FREE_ACCOUNT = "To help mitigate abuse, downloading of fine-tune training files is disabled for free accounts"
CONTENT = rows_of("supervised")
OUT = Path("out")


def export(*arguments: str, code: int = 0) -> None:
    assert main(["export", *arguments, "--output", str(OUT)]) == code


def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OUT / "export.json").read_text())
    return found


def files() -> set[str]:
    return {path.relative_to(OUT).as_posix() for path in OUT.rglob("*") if path.is_file()}


def test_an_export_is_a_project_with_the_data(account: Account) -> None:
    file_id = account.upload("support chats.jsonl", CONTENT)
    validation = account.upload("validation.jsonl", rows_of("supervised", rows=10))
    job = account.train(
        file_id, validation_file=validation, suffix="support", seed=7, method=supervised(n_epochs=2)
    )
    before = account.last_request()

    export(job.id)

    assert files() == {
        *("Pulumi.yaml", "__main__.py", "requirements.txt", ".gitignore", "export.json"),
        *("bin/pulumi-resource-pulumi-python", "data/support_chats.jsonl", "data/validation.jsonl"),
    }
    assert (OUT / "data" / "support_chats.jsonl").read_text() == CONTENT
    assert calls((OUT / "__main__.py").read_text()) == [
        ("File", "support_chats", {"file": "data/support_chats.jsonl"}),
        ("File", "validation", {"file": "data/validation.jsonl"}),
        (
            "FineTuningJob",
            "support",
            {
                "model": MODEL,
                "training_file": Reference("File", "support_chats"),
                "validation_file": Reference("File", "validation"),
                "suffix": "support",
                "seed": 7,
                "method": job.method.model_dump(exclude_none=True),
            },
        ),
    ]
    assert (
        compare(Project.find(OUT).folder / "bin" / "pulumi-resource-pulumi-python") is WrapperStatus.CURRENT
    )
    assert account.changing_requests(after=before) == []


def test_the_list_describes_jobs_and_files(account: Account) -> None:
    file_id = account.upload("support.jsonl", CONTENT)
    job = account.train(file_id, suffix="support", metadata={"team": "shop"})

    export(job.id)

    (listed,), (file,) = manifest()["jobs"], manifest()["files"]
    assert file == {
        "id": file_id,
        "filename": "support.jsonl",
        "bytes": len(CONTENT),
        "path": "data/support.jsonl",
        "sha256": hashlib.sha256(CONTENT.encode()).hexdigest(),
        "missing": None,
    }
    assert (listed["id"], listed["fine_tuned_model"], listed["seed"]) == (
        job.id,
        job.fine_tuned_model,
        job.seed,
    )
    assert (listed["suffix"], listed["metadata"]) == ("support", {"team": "shop"})
    assert listed["method"]["supervised"]["hyperparameters"]["n_epochs"] == job.hyperparameters.n_epochs


def test_jobs_share_files_and_continue_each_other(account: Account) -> None:
    file_id = account.upload("data.jsonl", CONTENT)
    first = account.train(file_id, suffix="first")
    second = account.train(file_id, suffix="second", model=first.fine_tuned_model)

    export(second.id, first.id, second.id)

    _file, one, two = calls((OUT / "__main__.py").read_text())
    assert [one[1], two[1]] == ["first", "second"]
    assert two[2]["model"] == Reference("FineTuningJob", "first", "fine_tuned_model")
    assert len(manifest()["files"]) == 1


def test_a_model_that_is_not_exported_is_reported(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    file_id = account.upload("data.jsonl", CONTENT)
    first = account.train(file_id, suffix="first")

    export(account.train(file_id, model=first.fine_tuned_model).id)

    assert (
        f"continues to train {first.fine_tuned_model}, which only this service has" in capsys.readouterr().out
    )


@pytest.mark.usefixtures("_free_account")
def test_refused_contents_are_listed_before_any_download(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("data.jsonl", "valid.jsonl")
    ids = [account.upload(name, CONTENT) for name in names]
    job = account.train(ids[0], validation_file=ids[1])
    before = account.last_request()

    export(job.id, code=1)

    lines = capsys.readouterr().err.splitlines()
    reason = f"the service does not return it ({FREE_ACCOUNT}, status 400)"
    assert lines[:3] == [
        "These contents are missing:",
        *(
            f"  - {id_} ({name!r}, {len(CONTENT):,} bytes): {reason}"
            for id_, name in zip(ids, names, strict=True)
        ),
    ]
    assert "Nothing was written" in lines[3]
    assert f"--content {ids[0]}=PATH --content {ids[1]}=PATH" in lines[3]
    assert len(account.service.journal(after=before, path="/v1/files/*/content")) == len(ids)
    assert not OUT.exists()


@pytest.mark.usefixtures("_free_account")
@pytest.mark.parametrize(("keys", "code"), [(b"y\r", 0), pytest.param(b"\r", 1, marks=pytest.mark.long)])
def test_on_a_terminal_the_command_asks(account: Account, keys: bytes, code: int) -> None:
    job = account.train(account.upload("data.jsonl", CONTENT))

    with Terminal.start("export", job.id, "--output", str(OUT)) as terminal:
        terminal.read_until("Export without them? [y/N]")
        terminal.press(keys)
        assert terminal.end() == code

    assert OUT.exists() is (code == 0)


def test_ctrl_c_keeps_the_download(account: Account) -> None:
    job = account.client.fine_tuning.jobs.create(model=MODEL, training_file=account.upload("a.jsonl", LARGE))
    account.service.fault("GET", "/v1/files/*/content", "hang", skip=1, times=None, seconds=60)

    with Terminal.start("export", job.id, "--output", str(OUT)) as terminal:
        deadline = time.monotonic() + MAX_WAIT
        while not (OUT / NAME).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        terminal.press(b"\x03")
        terminal.read_until("To continue it, run the same command again")
        assert terminal.end() == 130
    account.service.clear_faults()

    export(job.id)
    assert (OUT / "data" / "a.jsonl").read_text() == LARGE


@pytest.mark.usefixtures("_free_account")
def test_a_local_copy_replaces_a_refused_content(account: Account) -> None:
    file_id = account.upload("data.jsonl", CONTENT)
    job = account.train(file_id)
    Path("copy.jsonl").write_text(CONTENT)

    export(job.id, "--content", f"{file_id}=copy.jsonl")

    assert (OUT / "data" / "data.jsonl").read_text() == CONTENT
    assert manifest()["files"][0]["sha256"] == hashlib.sha256(CONTENT.encode()).hexdigest()


@pytest.mark.parametrize(
    ("copy", "message"),
    [
        ("file-other=copy.jsonl", "file-other is not a file of these jobs"),
        ("{id}=no-such-file", "no-such-file is not a file"),
        ("{id}=copy.jsonl", "it has 3 bytes, but"),
    ],
)
def test_a_wrong_local_copy_is_reported(
    account: Account, capsys: pytest.CaptureFixture[str], copy: str, message: str
) -> None:
    file_id = account.upload("data.jsonl", CONTENT)
    job = account.train(file_id)
    Path("copy.jsonl").write_text("{}\n")

    export(job.id, "--content", copy.format(id=file_id), code=1)

    assert message in capsys.readouterr().err
    assert not OUT.exists()


@pytest.mark.usefixtures("_free_account")
def test_missing_contents_are_named_in_the_program(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    file_id = account.upload("data.jsonl", CONTENT)
    deleted = account.upload("deleted.jsonl", CONTENT)
    jobs = [account.train(file_id).id, account.train(deleted).id]
    account.client.files.delete(deleted)

    export(*jobs, "--without-contents")

    program = (OUT / "__main__.py").read_text()
    assert ": deleted from the service. Copy it to data/" in program
    assert (
        f": the service does not return it ({FREE_ACCOUNT}, status 400). Copy it to data/data.jsonl"
        in program
    )
    assert f"copy the content of {file_id}" in capsys.readouterr().out
    assert [file["sha256"] for file in manifest()["files"]] == [None, None]


def test_a_shorter_content_is_not_kept(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    file_id = account.upload("data.jsonl", CONTENT)
    job = account.train(file_id)
    account.service.fault(
        "GET", "/v1/files/*/content", "status", times=None, status=200, body={"data": "aGk="}
    )

    export(job.id, code=1)

    assert "the service returned" in capsys.readouterr().err
    assert "data/data.jsonl" not in files()
    assert "Pulumi.yaml" not in files()


def test_an_interrupted_export_continues(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [account.upload(f"{number}.jsonl", rows_of("supervised", rows=10 + number)) for number in range(3)]
    job_ids = [account.train(id_).id for id_ in ids]
    fault = {"error": {"message": "broken", "type": "invalid_request_error"}}
    account.service.fault(
        "GET", f"/v1/files/{ids[1]}/content", "status", skip=1, times=1, status=418, body=fault
    )

    export(*job_ids, code=1)
    assert "To continue it, run the same command again" in capsys.readouterr().err
    assert files() == {NAME, "data/0.jsonl"}
    before = account.last_request()

    export(*job_ids)

    requests = [
        entry.path for entry in account.service.journal(after=before) if entry.path.endswith("/content")
    ]
    assert f"/v1/files/{ids[0]}/content" not in requests
    assert NAME not in files()
    assert [file["bytes"] for file in manifest()["files"]] == [
        (OUT / "data" / f"{number}.jsonl").stat().st_size for number in range(3)
    ]


def interrupted(job_id: str, service: str, **files: str) -> None:
    """Record an export that was interrupted, with the SHA-256 of the files that it had written by id."""
    (OUT / "data").mkdir(parents=True, exist_ok=True)
    address = service.removeprefix("http://")
    (OUT / NAME).write_text(json.dumps({"service": address, "jobs": [job_id], "files": files}))


def content_statuses(account: Account, after: int) -> list[int | None]:
    """Return the statuses of the requests for contents, without the first, which asks whether there is one."""
    found = account.service.journal(after=after)
    return [entry.status for entry in found if entry.path.endswith("/content")][1:]


LARGE = "".join(f"{json.dumps({'n': number})}\n" for number in range(40_000))


def test_a_broken_download_continues(account: Account) -> None:
    job = account.client.fine_tuning.jobs.create(model=MODEL, training_file=account.upload("a.jsonl", LARGE))
    account.service.fault("GET", "/v1/files/*/content", "truncate", skip=1, keep=300_000)
    before = account.last_request()

    export(job.id)

    assert (OUT / "data" / "a.jsonl").read_text() == LARGE
    assert content_statuses(account, before) == [200, 206]


@pytest.mark.parametrize("kept", [0, 1, 300_000, len(LARGE) - 1, len(LARGE), len(LARGE) + 9])
def test_an_interrupted_download_continues(account: Account, kept: int) -> None:
    job = account.client.fine_tuning.jobs.create(model=MODEL, training_file=account.upload("a.jsonl", LARGE))
    interrupted(job.id, account.service.url)
    (OUT / "data" / ".a.jsonl.part").write_text((LARGE + "x" * 9)[:kept])
    before = account.last_request()

    export(job.id)

    assert (OUT / "data" / "a.jsonl").read_text() == LARGE
    assert content_statuses(account, before) == [206 if kept > OVERLAP else 200]
    assert [path.name for path in (OUT / "data").iterdir()] == ["a.jsonl"]


def test_a_damaged_file_is_downloaded_again(account: Account) -> None:
    file_id = account.upload("data.jsonl", CONTENT)
    job = account.train(file_id)
    export(job.id)
    (OUT / "data" / "data.jsonl").write_text("damaged")
    interrupted(job.id, account.service.url, **{file_id: manifest()["files"][0]["sha256"]})

    export(job.id)

    assert (OUT / "data" / "data.jsonl").read_text() == CONTENT


@pytest.mark.parametrize("existing", ["notes.txt", NAME])
def test_other_contents_of_a_folder_are_kept(
    account: Account, capsys: pytest.CaptureFixture[str], existing: str
) -> None:
    job = account.train(account.upload())
    OUT.mkdir()
    content = json.dumps({"service": "other", "jobs": [], "files": {}})
    (OUT / existing).write_text(content)

    export(job.id, code=1)

    assert "pass the name of a new folder with --output" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in OUT.iterdir()} == {existing: content}


def test_a_finished_export_is_not_overwritten(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    job = account.train(account.upload())
    export(job.id)

    export(job.id, code=1)

    assert "is not empty, and nothing is overwritten" in capsys.readouterr().err


@given(st.lists(st.text() | st.sampled_from(["../../etc/passwd", "C:\\data", ".hidden", "x" * 300 + ".a"])))
def test_any_filename_becomes_a_path_in_the_folder(names: list[str]) -> None:
    taken: set[str] = set()
    for number, name in enumerate(names):
        path = safe_path(name, f"file-{number}", taken)

        assert path.lower() not in taken
        assert re.fullmatch(r"data/[A-Za-z0-9][A-Za-z0-9._-]{0,150}", path)
        taken.add(path.lower())


@pytest.mark.parametrize(
    ("id_", "message"),
    [
        (
            "file-1",
            "'file-1' is neither the id of a job nor a resource of the stack with a job; to name a resource, pass",
        ),
        ("ftjob-missing", "ftjob-missing"),
        ("", "the name of a job is empty"),
        (" ", "the name of a job is empty"),
    ],
)
def test_a_wrong_id_is_reported(
    account: Account, capsys: pytest.CaptureFixture[str], id_: str, message: str
) -> None:
    assert account.service.url
    export(id_, code=1)

    assert message in capsys.readouterr().err
    assert not OUT.exists()


def test_without_a_key_the_setting_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["export", "ftjob-1", "--output", str(tmp_path / "out")]) == 1

    assert "OPENAI_API_KEY" in capsys.readouterr().err


def test_the_key_is_neither_printed_nor_written(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    export(account.train(account.upload()).id)

    written = [path.read_text() for path in OUT.rglob("*") if path.is_file()]
    assert "sk-proj-tests" not in "".join([*written, *capsys.readouterr()])
