"""Trainers in job folders, with one process or with two workers of a real Ray head."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.train.support import TrainingJob, preference, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ray.heads import Head

ROOT = Path(__file__).parents[2]
ROWS = [row(f"Question {number}?", "word " * (number % 7 + 1) + str(number)) for number in range(11)]
VALIDATION = [row(f"Other {number}?", "word " * (number % 5 + 1) + str(number)) for number in range(5)]
TOLERANCE = 1e-4
PATIENCE = 300.0
NUMBERS = {"n_epochs": 12, "batch_size": 4}
"""36 steps: on an idle machine, fewer would be done before a stop or kill reaches the workers."""
ONE_PROCESS = "pulumi_openai_ft.trainer"
WORKERS = "pulumi_openai_ft.trainer.cluster"


def preferences(count: int, text: str) -> list[dict[str, Any]]:
    """Return rows of preferences with answers of different lengths."""
    return [
        preference(f"{text} {number}?", "word " * (number % 7 + 1) + str(number), "no " * (number % 3 + 1))
        for number in range(count)
    ]


class Trainers:
    """Starts trainers in job folders: one process, or a driver with two workers."""

    def __init__(self, python: Path, base: Path, head: Head) -> None:
        self.python = python
        self.base = base
        self._head = head

    def new_job(self, folder: Path, **settings: Any) -> TrainingJob:
        """Return a job with two workers."""
        given = {"rows": ROWS, "validation": VALIDATION, "hyperparameters": NUMBERS, **settings}
        job = TrainingJob.create(folder, base=str(self.base), **given)
        (folder / "cluster.json").write_text(json.dumps({"workers": 2, "cpus": 1, "gpus": 0}))
        return job

    def start(self, job: TrainingJob, module: str = WORKERS) -> subprocess.Popen[bytes]:
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
                [self.python, "-m", module, job.folder], env=environment, stdout=log, stderr=log
            )

    def run(self, job: TrainingJob, module: str = WORKERS) -> int:
        """Run a trainer to its end, and return its exit code."""
        return self.start(job, module).wait(PATIENCE)


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


def worker_pids(head: Head) -> list[int]:
    """Return the processes of the workers that train."""
    return [pid for pid, command in head.processes() if "RayTrainWorker" in command]
