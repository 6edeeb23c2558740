from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.job_folder import RESERVED_BYTES, JobFolder, LockedError
from pulumi_openai_ft.trainer.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path


def checkpoint(folder: JobFolder, step: int, state: str | None) -> Path:
    path = folder.checkpoints / f"checkpoint-{step}"
    path.mkdir(parents=True)
    if state is not None:
        (path / "trainer_state.json").write_text(state)
    return path


def publish(folder: JobFolder, step: int) -> None:
    with folder.new_model(step, keep=3) as model:
        (model / "weights").write_text(str(step))


def test_the_lock_is_exclusive(tmp_path: Path) -> None:
    with JobFolder(tmp_path).locked(), pytest.raises(LockedError), JobFolder(tmp_path).locked():
        pass

    with JobFolder(tmp_path).locked():
        pass


def test_the_last_complete_checkpoint_is_found(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    expected = checkpoint(folder, 9, "{}")
    checkpoint(folder, 10, "{")
    checkpoint(folder, 11, None)
    checkpoint(folder, 8, "{}")

    assert folder.last_checkpoint() == expected

    assert sorted(path.name for path in folder.checkpoints.iterdir()) == ["checkpoint-8", "checkpoint-9"]


def test_a_new_folder_has_no_checkpoint(tmp_path: Path) -> None:
    assert JobFolder(tmp_path).last_checkpoint() is None


def test_only_the_last_models_are_kept(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)

    for step in (2, 4, 6, 8, 10):
        publish(folder, step)

    assert folder.published_steps() == [6, 8, 10]
    assert sorted(path.name for path in folder.models.iterdir()) == ["step-10", "step-6", "step-8"]


def test_a_model_that_failed_is_not_published(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)

    with pytest.raises(OSError, match="full"), folder.new_model(2, keep=3):
        raise OSError("full")

    assert folder.published_steps() == []
    publish(folder, 2)
    assert folder.published_steps() == [2]


def test_metrics_continue_after_a_cut_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"st')

    JobFolder(tmp_path).append_metrics({"step": 2})

    assert JobFolder(tmp_path).recorded_steps() == {1, 2}
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n{"st\n{"step": 2}\n'


def test_a_result_ends_a_run(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    (tmp_path / "result.json").write_text("{}")

    folder.begin()
    assert not (tmp_path / "result.json").exists()
    assert json.loads((tmp_path / "process.json").read_text())["pid"] == os.getpid()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= RESERVED_BYTES, "the reserve occupies the disk"

    folder.fail(TrainingError("some_code", "A sentence.", "training_file"))
    result = json.loads((tmp_path / "result.json").read_text())
    assert result == {
        "status": "failed",
        "error": {"code": "some_code", "message": "A sentence.", "param": "training_file"},
    }
    assert not (tmp_path / "reserve").exists()


@given(rows=st.integers(1, 500), epochs=st.integers(1, 5), batch_size=st.integers(1, 256))
def test_steps_and_micro_batches_cover_all_rows(rows: int, epochs: int, batch_size: int) -> None:
    plan = Plan(rows, epochs, batch_size, tokens_per_epoch=rows)

    assert (plan.steps_per_epoch - 1) * batch_size < rows <= plan.steps_per_epoch * batch_size
    assert batch_size % plan.micro_batch == 0
    assert 1 <= plan.micro_batch <= 4
    assert [step for step in range(plan.total_steps + 1) if plan.ends_epoch(step)] == [
        plan.steps_per_epoch * epoch for epoch in range(1, epochs + 1)
    ]
