"""Kill the driver of two workers alone. Its workers outlive it, and never write beside those of the next attempt."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.ray.trainers import PATIENCE, require_equal, wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

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
