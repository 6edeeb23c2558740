"""Imported files: the state contains the hash of the content, and a local path is needed only for a change."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from tests.e2e.import_.importing import (
    FILE,
    JOB,
    MODEL,
    import_all,
    import_one,
    printed_program,
    public_properties,
    replacement_reasons,
    rows_of,
    run_printed_program,
    state,
    write,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = [pytest.mark.e2e, pytest.mark.long]

LOCAL = """
import pulumi_openai_ft as ft

ft.File("data", file="local.jsonl", {more})
"""
EDITED = rows_of("supervised", rows=13)


def test_only_edited_content_replaces_an_imported_file(stack: Stack, account: Account) -> None:
    id_ = account.upload("their name.jsonl")
    content = (account.folder / "their name.jsonl").read_bytes()
    (stack.folder / "local.jsonl").write_bytes(content)

    import_one(stack, FILE, "data", id_, "--skip-preview", "--protect=false")

    found = state(stack)["data"]
    assert public_properties(found["inputs"]) == {
        "filename": "their name.jsonl",
        "purpose": "fine-tune",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert "file=" not in printed_program(stack)
    write(stack, LOCAL.format(more=""))
    stack.preview("--expect-no-changes")

    (stack.folder / "local.jsonl").write_text(EDITED)
    assert replacement_reasons(stack) == {"sha256": "update-replace"}
    stack.up()
    (file,) = account.service.files()
    assert (state(stack)["data"]["id"], file["bytes"]) == (file["id"], len(EDITED.encode()))
    stack.preview("--expect-no-changes")


def test_every_purpose_and_a_lifetime_are_printed_and_run(stack: Stack, account: Account) -> None:
    lifetime = {"anchor": "created_at", "seconds": 7200}
    resources_to_import = {
        f"file-{number}": (FILE, account.upload(f"{number}.jsonl", purpose=purpose))
        for number, purpose in enumerate(
            ["fine-tune", "assistants", "batch", "vision", "user_data", "evals"], start=1
        )
    }
    resources_to_import["short-lived"] = (FILE, account.upload("short.jsonl", expires_after=lifetime))

    import_all(stack, resources_to_import, "--skip-preview", "--protect=false")

    found = state(stack)
    assert {name: entry["id"] for name, entry in found.items()} == {
        name: id_ for name, (_, id_) in resources_to_import.items()
    }
    assert found["short-lived"]["inputs"]["expires_after"] == lifetime
    assert found["file-3"]["inputs"]["expires_after"]["seconds"] == 30 * 24 * 3600
    run_printed_program(stack)
    stack.refresh("--expect-no-changes")
    stack.destroy()
    assert account.service.files() == []


@pytest.mark.usefixtures("_free_account")
def test_unreadable_content_is_assumed_to_match_the_local_file(stack: Stack, account: Account) -> None:
    id_ = account.upload("local.jsonl")

    import_one(stack, FILE, "data", id_, "--skip-preview", "--protect=false")

    assert public_properties(state(stack)["data"]["inputs"]) == {
        "filename": "local.jsonl",
        "purpose": "fine-tune",
    }
    run_printed_program(stack)
    (stack.folder / "local.jsonl").write_text(rows_of("supervised"))
    write(stack, LOCAL.format(more=""))
    stack.up("--expect-no-changes")

    stack.refresh("--expect-no-changes")

    (stack.folder / "local.jsonl").write_text(EDITED)
    assert stack.planned() == {"data": ["replace"]}


def test_a_deleted_imported_file_needs_a_local_path(stack: Stack, account: Account) -> None:
    id_ = account.upload()
    import_one(stack, FILE, "data", id_, "--skip-preview", "--protect=false")
    write(stack, printed_program(stack))
    account.client.files.delete(id_)
    stack.refresh()

    reported = stack.up(code=1)

    assert "file: is missing: set it to the path of the local file to upload" in reported.text
    assert "Traceback" not in reported.text


WITH_FILE = """
import pulumi_openai_ft as ft

data = ft.File("data", file="local.jsonl")
ft.FineTuningJob("job", model={model!r}, training_file=data)
"""


def test_uploading_a_lost_imported_file_keeps_its_imported_job(stack: Stack, account: Account) -> None:
    id_ = account.upload()
    job = account.train(id_)
    (stack.folder / "local.jsonl").write_text(rows_of("supervised"))
    import_all(stack, {"data": (FILE, id_), "job": (JOB, job.id)}, "--skip-preview", "--protect=false")
    write(stack, WITH_FILE.format(model=MODEL))
    stack.up("--expect-no-changes")

    account.client.files.delete(id_)
    stack.refresh()
    assert "create" in stack.planned()["data"]
    stack.up()

    assert [found["id"] for found in account.service.jobs()] == [job.id]
    assert state(stack)["job"]["id"] == job.id
    stack.preview("--expect-no-changes")
