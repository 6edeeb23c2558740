"""Training runs with several workers of a real Ray head, compared with training runs of one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.train.support import TrainingJob, preference, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ray.heads import Head

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
ROWS = [row(f"Question {number}?", "word " * (number % 7 + 1) + str(number)) for number in range(11)]
VALIDATION = [row(f"Other {number}?", "word " * (number % 5 + 1) + str(number)) for number in range(5)]
TOLERANCE = 1e-4
PATIENCE = 300.0
NUMBERS = {"n_epochs": 4, "batch_size": 4}


class Trainers:
    """Starts trainers in job folders: one process, or a driver with two workers."""

    def __init__(self, python: Path, base: Path, head: Head) -> None:
        self._python = python
        self._base = base
        self._head = head

    def new_job(self, folder: Path, **settings: Any) -> TrainingJob:
        """Return a job with two workers."""
        given = {"rows": ROWS, "validation": VALIDATION, "hyperparameters": NUMBERS, **settings}
        job = TrainingJob.create(folder, base=str(self._base), **given)
        (folder / "cluster.json").write_text(json.dumps({"workers": 2, "cpus": 1, "gpus": 0}))
        return job

    def start(
        self, job: TrainingJob, module: str = "pulumi_openai_ft.trainer.cluster"
    ) -> subprocess.Popen[bytes]:
        """Start a trainer."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "OMP_NUM_THREADS": "1",
            "RAY_ADDRESS": "127.0.0.1:6379",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self._head.token,
        }
        with job.log.open("ab") as log:
            return subprocess.Popen(
                [self._python, "-m", module, job.folder], env=environment, stdout=log, stderr=log
            )

    def run(self, job: TrainingJob, module: str = "pulumi_openai_ft.trainer.cluster") -> int:
        """Run a trainer to its end, and return its exit code."""
        return self.start(job, module).wait(PATIENCE)


@pytest.fixture(scope="module")
def trainers(ray_python: Path, head: Head, tmp_path_factory: pytest.TempPathFactory) -> Trainers:
    folder = tmp_path_factory.mktemp("tiny")
    program = (
        f"from pathlib import Path; from tools.base_models import tiny; print(tiny(Path({str(folder)!r})))"
    )
    done = subprocess.run([ray_python, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return Trainers(ray_python, Path(done.stdout.splitlines()[-1]), head)


@pytest.fixture(scope="module")
def expected(trainers: Trainers, tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    """The job of one process."""
    job = trainers.new_job(tmp_path_factory.mktemp("one") / "job")
    assert trainers.run(job, "pulumi_openai_ft.trainer") == 0, job.log.read_text()[-2000:]
    return job


def wait_for(condition: Callable[[], bool], job: TrainingJob) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, job.log.read_text()[-2000:]
        time.sleep(0.05)


def losses(job: TrainingJob) -> list[dict[str, float]]:
    return [{name: value for name, value in step.items() if name.endswith("loss")} for step in job.metrics()]


def require_equal(job: TrainingJob, expected: TrainingJob) -> None:
    assert [set(step) for step in losses(job)] == [set(step) for step in losses(expected)]
    for step, other in zip(losses(job), losses(expected), strict=True):
        assert step == pytest.approx(other, abs=TOLERANCE)
    assert job.result == expected.result


def test_two_workers_have_the_losses_of_one_process(
    trainers: Trainers, expected: TrainingJob, tmp_path: Path
) -> None:
    job = trainers.new_job(tmp_path / "job")

    assert trainers.run(job) == 0, job.log.read_text()[-3000:]

    require_equal(job, expected)
    assert len(job.lines()) == len(expected.lines())  # only one worker writes
    assert not (job.folder / "ray").exists()


def test_run_continues_after_a_worker_was_killed(
    trainers: Trainers, expected: TrainingJob, head: Head, tmp_path: Path
) -> None:
    job = trainers.new_job(tmp_path / "job")
    driver = trainers.start(job)
    wait_for(lambda: len(job.checkpoints()) > 0, job)

    os.kill(worker_pids(head)[-1], signal.SIGKILL)

    assert driver.wait(PATIENCE) == 70
    reached = len(job.metrics())
    assert reached < len(expected.metrics())
    assert trainers.run(job) == 0, job.log.read_text()[-3000:]
    require_equal(job, expected)


def test_workers_stop_together_after_a_step(
    trainers: Trainers, expected: TrainingJob, tmp_path: Path
) -> None:
    job = trainers.new_job(tmp_path / "job")
    driver = trainers.start(job)
    wait_for(lambda: len(job.metrics()) > 3, job)  # within the second epoch

    driver.send_signal(signal.SIGTERM)

    assert driver.wait(PATIENCE) == 75, job.log.read_text()[-3000:]
    # A stop interrupts a validation at the end of an epoch, whose step then has no metrics yet.
    assert job.checkpoints()[-1] - job.metrics()[-1]["step"] in (0, 1)
    assert trainers.run(job) == 0, job.log.read_text()[-3000:]
    require_equal(job, expected)


def test_preferences_that_workers_cannot_share_fail(trainers: Trainers, tmp_path: Path) -> None:
    rows = [preference(f"Question {number}?", "Yes.", "No.") for number in range(3)]
    job = trainers.new_job(tmp_path / "job", rows=rows, validation=(), method="dpo")

    assert trainers.run(job) == 1

    assert job.error["code"] == "invalid_n_examples"
    assert "3 examples, which 2 workers cannot share evenly: add 1 or remove 1" in job.error["message"]


def worker_pids(head: Head) -> list[int]:
    """Return the processes of the workers that train."""
    return [pid for pid, command in head.processes() if "RayTrainWorker" in command]
