"""Seconds of up, no-change preview and destroy, N files against N resources that do nothing."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import stack
from benchmarks.measurement import Point, Series, in_turns
from benchmarks.stack import COMMANDS, Stack
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from benchmarks.benchmark import Plan

OURS = "File, stock host, emulator that answers at once"
FLOOR = "no-op dynamic provider, stock host"
ROWS = 12

Lives = dict[str, list[dict[str, float]]]
"""Seconds of each command, in the order of the runs, by candidate."""


def measure(plan: Plan) -> list[Series]:
    """Takes both stacks through their lives in turns, smallest size first."""
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder, Emulator() as service:
        stacks = {OURS: _files(Path(folder) / "files", service.url), FLOOR: _floor(Path(folder) / "floor")}
        for name, made in stacks.items():
            plan.tell(f"warming up, {name}")
            made.life(1)
        lives = {size: _lives(stacks, size, plan) for size in plan.sizes}
    return [
        Series(
            command, "s", OURS, FLOOR, tuple(_point(command, size, found) for size, found in lives.items())
        )
        for command in COMMANDS
    ]


def versions() -> dict[str, str]:
    """Engine and SDK, which are the floor."""
    return {**stack.versions(), "pulumi": version("pulumi")}


def _lives(stacks: dict[str, Stack], size: int, plan: Plan) -> Lives:
    return in_turns(
        {name: partial(made.life, size) for name, made in stacks.items()},
        plan.runs,
        lambda step: plan.tell(f"{size} resources, {step}"),
    )


def _point(command: str, size: int, lives: Lives) -> Point:
    ours, floor = (tuple(life[command] for life in lives[name]) for name in (OURS, FLOOR))
    return Point(size, ours, floor)


def _files(folder: Path, base_url: str) -> Stack:
    keys = {"OPENAI_API_KEY": "sk-made-up-benchmark-key", "OPENAI_BASE_URL": base_url}
    made = Stack.of("files", folder, keys)
    row = {
        "messages": [
            {"role": "user", "content": "Where do I reset my password?"},
            {"role": "assistant", "content": "Under Account."},
        ]
    }
    (made.folder / "training.jsonl").write_text(f"{json.dumps(row)}\n" * ROWS)
    return made


def _floor(folder: Path) -> Stack:
    return Stack.of("floor", folder, {})
