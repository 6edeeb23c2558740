"""Jobs exported from one service, and trained again at another."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import Stack
from tests.e2e.import_.importing import MODEL, rows_of, supervised
from tests.e2e.running import resources
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e
PROGRAM = f"""
import pulumi_openai_ft as ft

ft.FineTunedModel("support", model="{MODEL}", training_file="data.jsonl")
"""
REQUESTED = ("model", "seed", "method", "user_provided_suffix")


@pytest.fixture
def other_service() -> Iterator[Emulator]:
    with Emulator(today=TODAY) as emulator:
        yield emulator


def requested(job: dict[str, Any]) -> dict[str, Any]:
    return {name: job[name] for name in REQUESTED}


def exported_folder(stack: Stack) -> Path:
    return stack.folder.parent / "exported"


def run_export(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder of a stack."""
    return subprocess.run(
        ["openai-ft", "export", *arguments, "--output", str(exported_folder(stack))],
        cwd=stack.folder,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def exported(stack: Stack, other_service: Emulator, *arguments: str) -> Stack:
    """Export jobs, and return a stack of the exported project at another service."""
    done, folder = run_export(stack, *arguments), exported_folder(stack)
    assert done.returncode == 0, done.stderr
    (folder / ".venv").symlink_to(sys.prefix)
    found = Stack(folder, {**stack.environment, "OPENAI_BASE_URL": other_service.url})
    found.init("other")
    return found


def test_exported_jobs_are_trained_at_another_service(
    stack: Stack, account: Account, other_service: Emulator
) -> None:
    data, validation = (
        account.upload("data.jsonl"),
        account.upload("valid.jsonl", rows_of("supervised", rows=10)),
    )
    first = account.train(data, suffix="first", seed=7, validation_file=validation)
    second = account.train(data, suffix="second", method=supervised(n_epochs=2, batch_size=3))
    before = account.last_request()

    copy = exported(stack, other_service, first.id, second.id)
    preview = copy.preview()
    assert other_service.jobs() == []
    copy.up()

    by_suffix = [
        {job["user_provided_suffix"]: requested(job) for job in service.jobs()}
        for service in (account.service, other_service)
    ]
    assert by_suffix[0] == by_suffix[1]
    assert "USD" in preview.text
    assert account.changing_requests(after=before) == []
    manifest = json.loads((copy.folder / "export.json").read_text())
    assert {file["sha256"] for file in manifest["files"]} == {
        resources(copy)[name]["outputs"]["sha256"] for name in ("data", "valid")
    }
    copy.preview("--expect-no-changes")


def test_a_resource_is_exported_by_its_name(make_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = make_stack(PROGRAM)
    (stack.folder / "data.jsonl").write_text(rows_of("supervised"))
    stack.up()
    (job,) = service.jobs()

    done = run_export(stack, "support", job["id"])

    assert done.returncode == 0, done.stderr
    (listed,) = json.loads((exported_folder(stack) / "export.json").read_text())["jobs"]
    assert listed["id"] == job["id"]


@pytest.mark.usefixtures("_free_account")
def test_a_refused_content_is_added_afterwards(
    stack: Stack, account: Account, other_service: Emulator
) -> None:
    file = account.upload("data.jsonl")
    job = account.train(file)
    refused = run_export(stack, job.id)
    assert refused.returncode == 1
    assert f"--content {file}=PATH" in refused.stderr
    assert not exported_folder(stack).exists()

    copy = exported(stack, other_service, job.id, "--without-contents")
    assert "data/data.jsonl" in copy.up(code=1).text
    assert other_service.jobs() == []

    (copy.folder / "data").mkdir()
    (copy.folder / "data" / "data.jsonl").write_text(rows_of("supervised"))
    copy.up()
    assert len(other_service.jobs()) == 1


@pytest.mark.long
@pytest.mark.usefixtures("_free_account")
def test_a_local_copy_of_a_refused_content_is_trained(
    stack: Stack, account: Account, other_service: Emulator
) -> None:
    file_id = account.upload("data.jsonl")
    job = account.train(file_id)

    exported(stack, other_service, job.id, "--content", f"{file_id}={account.folder / 'data.jsonl'}").up()

    (uploaded,) = (file for file in other_service.files() if file["purpose"] == "fine-tune")
    assert uploaded["bytes"] == len(rows_of("supervised"))
    assert len(other_service.jobs()) == 1
