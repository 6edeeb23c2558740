"""Waiting for a job, with time as a parameter."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft.errors import WaitTimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft._objects import Job

FIRST_INTERVAL, GROWTH, JITTER = 0.25, 1.5, 0.1


@dataclass(frozen=True)
class Time:
    """Clock and sleep.

    Attributes:
        now: Unix seconds.
        sleep: Waits for so many seconds.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


REAL_TIME = Time()


def wait_for_job(
    job: Job,
    look: Callable[[], Job],
    done: Callable[[Job], bool],
    *,
    longest_interval: float,
    deadline: float | None = None,
    timing: Time = REAL_TIME,
) -> Job:
    """Looks at a job until it is done.

    Args:
        job: The job as it was last seen.
        look: Gives the job as it is now.
        done: Whether waiting can end.
        longest_interval: Seconds between two looks, at the most; the first ones follow faster.
        deadline: Unix seconds at which waiting ends in any case.
        timing: Clock and sleep.

    Raises:
        WaitTimedOutError: The deadline has passed and the job is not done.
    """
    interval = FIRST_INTERVAL
    while not done(job):
        left = None if deadline is None else deadline - timing.now()
        if left is not None and left <= 0:
            raise WaitTimedOutError(f"job {job.id} is still {job.status} at its deadline")
        pause = min(interval, longest_interval) * (1 + JITTER * random.random())  # noqa: S311 - jitter, not a secret
        timing.sleep(pause if left is None else min(pause, left))
        interval *= GROWTH
        job = look()
    return job
