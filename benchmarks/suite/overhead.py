"""Duration of up, no-change preview and destroy of N files, compared with N no-op resources."""

from __future__ import annotations

import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import stack
from benchmarks.measurement import Point, Series, in_turns
from benchmarks.stack import COMMANDS, Stack, settings, write_training_data
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from benchmarks.benchmark import Plan

OUR_HOST, STOCK_HOST = "File, our host", "File, stock host"
FLOOR = "no-op dynamic provider, stock host"

Lives = dict[str, list[dict[str, float]]]
"""Seconds of each command, in the order of the runs, by candidate."""


def measure(plan: Plan) -> list[Series]:
    """Run all commands on each stack alternately, smallest size first. The emulator responds immediately."""
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder, Emulator() as service:
        stacks = {
            OUR_HOST: _files(Path(folder) / "host", service.url, on_our_host=True),
            FLOOR: _floor(Path(folder) / "floor"),
            STOCK_HOST: _files(Path(folder) / "stock", service.url, on_our_host=False),
        }
        for name, made in stacks.items():
            plan.on_step(f"warming up, {name}")
            made.life(1)
        lives = {size: _lives(stacks, size, plan) for size in plan.sizes}
    return [_series(command, host, lives) for command in COMMANDS for host in (OUR_HOST, STOCK_HOST)]


def versions() -> dict[str, str]:
    """Return the versions of the engine and the SDK, which determine the baseline."""
    return {**stack.versions(), "pulumi": version("pulumi")}


def _lives(stacks: dict[str, Stack], size: int, plan: Plan) -> Lives:
    return in_turns(
        {name: partial(made.life, size) for name, made in stacks.items()},
        plan.runs,
        lambda step: plan.on_step(f"{size} resources, {step}"),
    )


def _series(command: str, host: str, lives: dict[int, Lives]) -> Series:
    points = (_point(command, host, size, found) for size, found in lives.items())
    return Series(f"{command}, {host.partition(', ')[2]}", "s", host, FLOOR, tuple(points))


def _point(command: str, host: str, size: int, lives: Lives) -> Point:
    took, floor = (tuple(life[command] for life in lives[name]) for name in (host, FLOOR))
    return Point(size, took, floor)


def _files(folder: Path, base_url: str, *, on_our_host: bool) -> Stack:
    made = Stack.of("files", folder, settings(base_url), on_our_host=on_our_host)
    write_training_data(made.folder)
    return made


def _floor(folder: Path) -> Stack:
    return Stack.of("floor", folder, {})
