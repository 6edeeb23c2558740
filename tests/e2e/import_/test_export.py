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


def export(stack: Stack, *jobs: str) -> Path:
    """Export jobs in the folder of a stack, and return the folder of the exported project."""
    folder = stack.folder.parent / "exported"
    subprocess.run(
        ["openai-ft", "export", *jobs, "--output", str(folder)],
        cwd=stack.folder,
        env=stack.environment,
        check=True,
        capture_output=True,
    )
    return folder


def exported(stack: Stack, other_service: Emulator, *jobs: str) -> Stack:
    """Export jobs, and return a stack of the exported project at another service."""
    folder = export(stack, *jobs)
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

    folder = export(stack, "support", job["id"])

    assert [listed["id"] for listed in json.loads((folder / "export.json").read_text())["jobs"]] == [
        job["id"]
    ]


@pytest.mark.long
def test_a_missing_content_stops_the_update(stack: Stack, account: Account, other_service: Emulator) -> None:
    job = account.train(account.upload("data.jsonl"))
    copy = exported(stack, other_service, job.id)
    content = (copy.folder / "data" / "data.jsonl").read_bytes()
    (copy.folder / "data" / "data.jsonl").unlink()

    assert "data/data.jsonl" in copy.up(code=1).text
    assert other_service.jobs() == []

    (copy.folder / "data" / "data.jsonl").write_bytes(content)
    copy.up()
    assert len(other_service.jobs()) == 1
