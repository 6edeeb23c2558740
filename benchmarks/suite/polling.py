"""Number of requests per poll while many jobs wait, compared with a request per job."""

from __future__ import annotations

import math
import tempfile
import time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.benchmark import BenchmarkError
from benchmarks.measurement import Point, Series, in_turns
from benchmarks.own_host import OwnHost
from benchmarks.stack import API_KEY, write_training_data
from pulumi_openai_ft.emulator import Clock, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.benchmark import Plan
    from pulumi_openai_ft.emulator import JournalEntry

JOBS = 250
LISTED, FOLLOWED = 100, 4
"""Number of jobs per list request, and number of jobs whose events are read per poll."""
INTERVALS = 5
INTERVAL = 0.5
"""Seconds between two polls. The result does not depend on it."""
UNTIL_TRAINING, TRAINING = 60.0, 3600.0
"""Seconds until all jobs train, and until all are completed."""
PATIENCE = 120.0
OURS, PEER = "FineTuningJob, our host", "a request for each job"
LISTING = "/v1/fine_tuning/jobs"


def measure(plan: Plan) -> list[Series]:
    """Let jobs wait at an emulator with a manual clock, and count the requests in its journal."""
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder:
        taken = in_turns({OURS: partial(_most_requests, Path(folder))}, plan.runs, plan.on_step)[OURS]
    lists = math.ceil(JOBS / LISTED)
    return [
        _series("before training", [found.before_training for found in taken], lists),
        _series("in training, with events", [found.in_training for found in taken], lists + FOLLOWED),
    ]


def _series(while_: str, requests: Sequence[int], at_most: int) -> Series:
    point = Point(JOBS, tuple(map(float, requests)), (float(JOBS),) * len(requests))
    return Series(
        f"an interval's requests, {while_}", "requests", OURS, PEER, (point,), at_most=at_most / JOBS
    )


def versions() -> dict[str, str]:
    """Return no versions: the results depend only on this package."""
    return {}


class _Most(NamedTuple):
    """The maximum number of requests per poll.

    Attributes:
        before_training: Maximum while all jobs wait for their training.
        in_training: Maximum while all jobs train.
    """

    before_training: int
    in_training: int


def _most_requests(folder: Path) -> _Most:
    config = {"openai-ft:apiKey": API_KEY, "openai-ft:pollInterval": str(INTERVAL)}
    with (
        Emulator(clock=Clock.manual()) as service,
        OwnHost.configured(folder, {**config, "openai-ft:baseUrl": service.url}) as host,
    ):
        creates = _creates(host, folder)
        _await(lambda: _all_wait(service), "all jobs to wait")
        before_training = _most_requests_per_poll(service)
        service.advance(UNTIL_TRAINING)
        found = _Most(before_training, _most_requests_per_poll(service))
        service.advance(TRAINING)
        for create in creates:
            create.result()
    return found


def _most_requests_per_poll(service: Emulator) -> int:
    now = service.journal()[-1].number
    _await(lambda: len(intervals(service.journal(after=now))) > INTERVALS, "the host to poll")
    return max(intervals(service.journal(after=now))[1:])  # the first poll may have started earlier


def _creates(host: OwnHost, folder: Path) -> list[Any]:
    file = str(write_training_data(folder))
    uploaded = host.creating("File", "training", {"file": file, "purpose": "fine-tune"}).result()
    inputs = {"model": "gpt-4.1-mini-2025-04-14", "training_file": uploaded.id}
    return [
        host.creating(
            "FineTuningJob", f"job-{number}", {**inputs, "seed": number, "__identity": f"job-{number}"}
        )
        for number in range(JOBS)
    ]


def _all_wait(service: Emulator) -> bool:
    """Return whether all jobs are created and the checks for concurrent duplicates have ended."""
    if service.counts().get(f"POST {LISTING}", 0) < JOBS:
        return False
    before = _searches(service)
    time.sleep(INTERVAL)
    return _searches(service) == before


def _searches(service: Emulator) -> int:
    return sum("metadata" in entry.query for entry in service.journal(method="GET", path=LISTING))


def intervals(entries: Sequence[JournalEntry]) -> list[int]:
    """Return the number of requests from the start of each poll to the start of the next poll."""
    polls = [number for number, entry in enumerate(entries) if _starts_poll(entry)]
    return [later - earlier for earlier, later in pairwise(polls)]


def _starts_poll(entry: JournalEntry) -> bool:
    return entry.route == LISTING and "after=" not in entry.query and "metadata" not in entry.query


def _await(condition: Callable[[], bool], event: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise BenchmarkError(f"waited {PATIENCE:.0f} s for {event} without success")
        time.sleep(INTERVAL)
