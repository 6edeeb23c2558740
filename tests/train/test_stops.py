from __future__ import annotations

import random
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.train.support import MARKS, ROWS, TrainingJob, differences

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = MARKS

LONG: dict[str, Any] = {"hyperparameters": {"n_epochs": 8}, "validation": ROWS[:4]}  # 24 steps
SEEDS = [1, 2, 3]


@pytest.fixture(scope="module")
def uninterrupted(base: Any, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    job = TrainingJob.create(tmp_path_factory.mktemp("uninterrupted") / "job", base=str(base), **LONG)
    assert job.run("uninterrupted, 24 steps") == 0, job.log.read_text()
    return job.metrics()


def has_steps(job: TrainingJob, steps: int) -> bool:
    return len(job.lines()) >= steps


def finish(job: TrainingJob) -> None:
    assert job.run() == 0, job.log.read_text()
    assert job.result["steps"] == [18, 21, 24]


def test_a_stopped_run_continues_exactly(
    new_job: Callable[..., TrainingJob], uninterrupted: list[dict[str, Any]]
) -> None:
    job = new_job(**LONG)
    for steps in (5, 14):
        job.start()
        job.wait_for(partial(has_steps, job, steps))
        assert job.stop() == 75, job.log.read_text()
        assert not (job.folder / "result.json").exists()
        # If the stop interrupted the validation of a step, the next attempt completes the step.
        assert job.checkpoints()[-1] - job.metrics()[-1]["step"] in (0, 1)

    finish(job)

    assert differences(job.metrics(), uninterrupted) < 1e-6
    assert len(job.lines()) == 24, "no step was trained twice"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_run_continues_exactly(
    new_job: Callable[..., TrainingJob], uninterrupted: list[dict[str, Any]], seed: int
) -> None:
    job = new_job(**LONG)
    chance = random.Random(seed)  # noqa: S311
    job.start()
    steps = chance.randint(1, 22)
    job.wait_for(lambda: len(job.lines()) >= steps)
    time.sleep(chance.random() * 0.1)
    assert job.stop(signal.SIGKILL) == -signal.SIGKILL, job.log.read_text()

    finish(job)

    assert differences(job.metrics(), uninterrupted) < 1e-6


def test_a_stop_interrupts_validation_and_is_made_up_for(new_job: Callable[..., TrainingJob]) -> None:
    settings: dict[str, Any] = {"validation": ROWS * 60, "hyperparameters": {"n_epochs": 2, "batch_size": 1}}
    whole, job = new_job("whole", **settings), new_job("job", **settings)
    assert whole.run() == 0, whole.log.read_text()

    job.start()
    job.wait_for(lambda: len(job.lines()) == 9)  # the tenth step ends the epoch
    assert job.stop() == 75, job.log.read_text()
    assert [len(job.lines()), job.checkpoints(), list(job.folder.glob("models/step-*"))] == [9, [10], []]
    assert job.run() == 0, job.log.read_text()

    assert differences(job.metrics(), whole.metrics()) < 1e-6
    assert job.result == whole.result


def test_a_stop_while_loading_saves_nothing(new_job: Callable[..., TrainingJob]) -> None:
    job = new_job()
    job.start()
    job.wait_for((job.folder / "progress.json").exists)

    assert job.stop() == 75, job.log.read_text()

    assert job.checkpoints() == []
    assert not (job.folder / "result.json").exists()


def test_a_second_trainer_exits(new_job: Callable[..., TrainingJob]) -> None:
    job, second = new_job(), TrainingJob(new_job("other").folder.with_name("job"))
    job.start()
    job.wait_for((job.folder / "progress.json").exists)
    recorded = job.read("process.json")

    assert second.run() == 73

    assert job.read("process.json") == recorded
    assert job.process
    assert job.process.wait() == 0


def test_incomplete_checkpoints_and_old_results_are_removed(
    new_job: Callable[..., TrainingJob], uninterrupted: list[dict[str, Any]]
) -> None:
    job = new_job(**LONG)
    finish(job)
    (job.folder / "checkpoints" / "checkpoint-24" / "trainer_state.json").unlink()
    (job.folder / "checkpoints" / "checkpoint-21" / "trainer_state.json").write_text('{"cut": ')
    (job.folder / "metrics.jsonl").write_text('{"step": 1, "cu')

    process = job.start()
    job.wait_for(lambda: job.read("process.json")["pid"] == process.pid)
    assert not (job.folder / "result.json").exists()
    assert process.wait() == 0, job.log.read_text()

    assert job.checkpoints() == [18, 21, 24]
    assert job.result["final"] == 24
    steps = (job.folder / "metrics.jsonl").read_text().splitlines()
    assert steps[0] == '{"step": 1, "cu'
    assert len(steps) == 1 + 1 + 6, "a cut line, the completed step 18, and the repeated steps"
    assert uninterrupted[-1]["step"] == 24
