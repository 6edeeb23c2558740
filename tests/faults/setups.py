"""What stands before an operation begins: rows that a program asks for, and what has become of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.harness import ENDLESS
from tests.faults.resource_state import Row
from tests.support import write_training_data

from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft.errors import ServiceConnectionError

if TYPE_CHECKING:
    from tests.faults.harness import World

MODEL = "gpt-4o-mini-2024-07-18"
PARTNERS = ("proj_b", "proj_c")


def file(world: World, rows: int = 12, **inputs: Any) -> Row:
    path = write_training_data(world.folder / f"{rows}.jsonl", rows=rows)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    asked = {"__identity": "o::dev::shop::File::data", "file": str(path), "sha256": digest, **inputs}
    return Row(world, FileProvider, asked)


def job(world: World, rows: int = 12, **inputs: Any) -> Row:
    data = done(file(world, rows))
    asked = {
        "__identity": "o::dev::shop::FineTuningJob::support",
        "model": MODEL,
        "training_file": data.id,
        "__training_file_sha256": data.outs["sha256"],
        **inputs,
    }
    return Row(world, FineTuningJobProvider, asked)


def endless_job(world: World, **inputs: Any) -> Row:
    """A job that ends only when it is cancelled."""
    world.service.settings.job_seconds = ENDLESS
    return job(world, **inputs)


def running(world: World, **inputs: Any) -> Row:
    row = done(endless_job(world, **{"wait_for_completion": False, **inputs}))
    world.service.advance(ENDLESS / 2)
    return row


def share(world: World, projects: tuple[str, ...] = PARTNERS, **inputs: Any) -> Row:
    checkpoint = done(job(world)).outs["fine_tuned_model"]
    asked = {
        "__identity": "o::dev::shop::FineTuningCheckpointPermission::share",
        "checkpoint_id": checkpoint,
        "project_ids": list(projects),
        **inputs,
    }
    return Row(world, FineTuningCheckpointPermissionProvider, asked)


def done(row: Row) -> Row:
    row.up()
    return row


def lost(row: Row) -> Row:
    row.forget()
    return row


def changed(row: Row, **inputs: Any) -> Row:
    row.inputs = {**row.inputs, **inputs}
    return row


def broken_off(row: Row) -> Row:
    """An upload that broke off when two of its parts were missing."""
    row.world.service.fault("POST", "/v1/uploads/*/complete", "drop_before", None)
    with pytest.raises(ServiceConnectionError):
        row.up()
    row.world.be_kind()
    ledger = row.world.ledger
    (key,) = [file.stem for file in ledger.folder.iterdir()]
    entry = ledger.find(key, row.world.time.now)
    assert entry
    ledger.write(key, replace(entry, parts=dict(list(entry.parts.items())[2:])))
    return row
