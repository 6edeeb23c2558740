"""Kill the driver of two workers alone. Its workers outlive it, and never write beside those of the next attempt."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.ray.trainers import PATIENCE, require_equal, wait_for, worker_pids

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray.heads import Head
    from tests.ray.trainers import Trainers
    from tests.train.support import TrainingJob

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]
KILLS = 2


def kill(driver: subprocess.Popen[bytes]) -> None:
    driver.kill()
    driver.wait(PATIENCE)


def require_no_mixed_steps(job: TrainingJob) -> None:
    """Each attempt writes consecutive steps, and begins no later than after those of the attempt before."""
    steps = [line["step"] for line in job.lines()]
    restarts = [(before, step) for before, step in pairwise(steps) if step != before + 1]
    assert steps[0] == 1
    assert len(restarts) <= KILLS, steps
    assert [restart for restart in restarts if restart[1] > restart[0]] == [], steps


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 6))])
def test_workers_of_a_killed_driver_write_nothing_twice(
    trainers: Trainers, expected: TrainingJob, tmp_path: Path, seed: int
) -> None:
    """The first driver is killed while it trains, the second one at any moment, and the next attempt begins at once."""
    chance = random.Random(seed)  # noqa: S311
    job = trainers.new_job(tmp_path / "job")
    driver, steps = trainers.start(job), chance.randint(1, 5)
    wait_for(lambda: len(job.lines()) >= steps, job)
    kill(driver)

    started = time.monotonic()
    driver = trainers.start(job)
    moment = started + chance.uniform(0, 20)
    wait_for(lambda: time.monotonic() > moment or len(job.lines()) >= len(expected.lines()) - 1, job)
    kill(driver)

    assert trainers.run(job) == 0, job.log.read_text()[-3000:]
    require_equal(job, expected)
    require_no_mixed_steps(job)


SURVIVOR = """
import fcntl, sys, time
with open(sys.argv[1]) as lock:
    fcntl.flock(lock, fcntl.LOCK_SH)
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.mark.long
def test_a_driver_starts_no_workers_beside_a_survivor(
    trainers: Trainers, expected: TrainingJob, head: Head, tmp_path: Path
) -> None:
    """A process keeps the lock of a worker, as if Ray could not end it."""
    job = trainers.new_job(tmp_path / "job")
    driver = trainers.start(job)
    wait_for(lambda: len(job.lines()) > 1, job)
    survivor = subprocess.Popen(
        [sys.executable, "-c", SURVIVOR, str(job.folder / "workers.lock")], stdout=subprocess.PIPE
    )
    assert survivor.stdout is not None
    assert survivor.stdout.readline() == b"locked\n"
    first = (job.folder / "workers.lock").read_text()
    kill(driver)
    driver = trainers.start(job)
    wait_for(lambda: (job.folder / "workers.lock").read_text() not in ("", first), job)

    time.sleep(10)  # without the lock, workers begin in this time

    assert worker_pids(head) == []
    assert job.read("process.json")["pid"] != driver.pid
    survivor.kill()
    survivor.communicate()
    assert driver.wait(PATIENCE) == 0, job.log.read_text()[-3000:]
    require_equal(job, expected)
    require_no_mixed_steps(job)
