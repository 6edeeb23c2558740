"""Duration of an up of jobs that train at the same time, compared with an up of no-op resources."""

from __future__ import annotations

import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import stack
from benchmarks.measurement import Figure, Point, Series, in_turns
from benchmarks.stack import COMMANDS, Stack, settings, write_training_data
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.benchmark import Plan

JOBS = 64
"""Number of jobs, which is also the engine's limit of parallel operations."""
TRAINING = 2.0
"""Seconds from a job's creation to its end."""
LONGEST_BEYOND = 2.6
SLEEP = 1.0
"""Seconds that each no-op resource sleeps, to measure how Pulumi's own host waits."""
OUR_HOST, STOCK_HOST = "FineTuningJob, our host", "FineTuningJob, stock host"
NO_OP, SLEEPING = "no-op, stock host", f"no-op that sleeps {SLEEP:g} s, stock host"

Seconds = dict[str, list[float]]
"""Seconds of an up, in the order of the runs, by candidate."""


def measure(plan: Plan) -> list[Series]:
    """Run the same program with each provider on each host alternately."""
    jobs = min(JOBS, plan.sizes[-1])
    with (
        tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder,
        Emulator(speed=1.0, job_seconds=TRAINING) as service,
    ):
        stacks = _stacks(Path(folder), service.url)
        for name, made in stacks.items():
            plan.on_step(f"warming up, {name}")
            _up(made, 1, service)
        seconds = in_turns(
            {name: partial(_up, made, jobs, service) for name, made in stacks.items()},
            plan.runs,
            lambda step: plan.on_step(f"{jobs} jobs, {step}"),
        )
    return _series(seconds, jobs)


def versions() -> dict[str, str]:
    """Return the versions of the engine and the SDK, whose host is the baseline."""
    return {**stack.versions(), "pulumi": version("pulumi")}


def _stacks(folder: Path, base_url: str) -> dict[str, Stack]:
    package, no_op = {"PROVIDER": "pulumi_openai_ft", **settings(base_url)}, {"PROVIDER": "no_op"}
    make: dict[str, Callable[[Path], Stack]] = {
        OUR_HOST: lambda place: Stack.of("waiting", place, package, on_our_host=True),
        NO_OP: lambda place: Stack.of("waiting", place, {**no_op, "SLEEP": "0"}),
        STOCK_HOST: lambda place: Stack.of("waiting", place, package),
        SLEEPING: lambda place: Stack.of("waiting", place, {**no_op, "SLEEP": str(SLEEP)}),
    }
    stacks = {name: made(folder / str(number)) for number, (name, made) in enumerate(make.items())}
    for made in stacks.values():
        write_training_data(made.folder)
    return stacks


def _up(made: Stack, jobs: int, service: Emulator) -> float:
    service.reset()
    seconds = made.pulumi(*COMMANDS["up"], "--parallel", str(JOBS), resources=jobs).seconds
    made.expect(jobs + 1)
    made.pulumi(*COMMANDS["destroy"], resources=jobs)
    return seconds


def _series(seconds: Seconds, jobs: int) -> list[Series]:
    package = f"up of jobs of {TRAINING:g} s"
    return [
        _against_no_op(f"{package}, our host", OUR_HOST, seconds, jobs, LONGEST_BEYOND),
        _against_no_op(f"{package}, stock host", STOCK_HOST, seconds, jobs),
        _against_no_op(f"up of sleeps of {SLEEP:g} s, stock host", SLEEPING, seconds, jobs),
    ]


def _against_no_op(
    title: str, name: str, seconds: Seconds, jobs: int, at_most: float | None = None
) -> Series:
    point = Point(jobs, tuple(seconds[name]), tuple(seconds[NO_OP]))
    return Series(title, "s", name, NO_OP, (point,), Figure.BEYOND, at_most)
