"""Processor seconds of our imports beyond `import pulumi`, against the latter beyond bare Python."""

from __future__ import annotations

import sys
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks import processes
from benchmarks.measurement import Point, Series, in_turns

if TYPE_CHECKING:
    from benchmarks.benchmark import Plan

BARE, PULUMI = "pass", "import pulumi"
OURS = {
    "the package": "import pulumi, pulumi_openai_ft",
    "its names": "import pulumi; from pulumi_openai_ft import *",
}
"""The package imports its names when they are used. What a program pays lies between the two."""
MOST = 0.40
"""What ours may take of what `import pulumi` takes: a program registers resources, and needs nothing that asks the service."""
TURNS = 7
"""How often each is started in a run: they are short, and differences are noisier than what they are of."""


def measure(plan: Plan) -> list[Series]:
    """Starts Python with each statement in turns."""
    starts = {statement: partial(_seconds, statement) for statement in (BARE, PULUMI, *OURS.values())}
    for start in starts.values():
        start()  # compiles what has changed
    turns = plan.runs * TURNS
    plan.tell(f"starting Python {turns * len(starts)} times")
    taken = in_turns(starts, turns, tell=lambda _step: None)
    return [_series(what, statement, taken) for what, statement in OURS.items()]


def versions() -> dict[str, str]:
    """The package beyond which ours is measured, and what ours imports besides."""
    return {name: version(name) for name in ("pulumi", "pydantic", "tenacity")}


def _seconds(statement: str) -> float:
    # An import waits for nothing; other processes lengthen its wall-clock time more than its processor time.
    return processes.run([sys.executable, "-I", "-c", statement]).cpu_seconds


def _series(what: str, statement: str, taken: dict[str, list[float]]) -> Series:
    point = Point(None, _beyond(taken[statement], taken[PULUMI]), _beyond(taken[PULUMI], taken[BARE]))
    ours, peer = f"`{statement}` beyond `{PULUMI}`", f"`{PULUMI}` beyond bare Python"
    return Series(what, "cpu s", ours, peer, (point,), at_most=MOST)


def _beyond(longer: list[float], shorter: list[float]) -> tuple[float, ...]:
    return tuple(more - less for more, less in zip(longer, shorter, strict=True))
