"""CPU time of importing this package after `import pulumi`, compared with `import pulumi` in bare Python."""

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
"""Statements by name. The package imports its names when they are used, so a program needs a time between the two."""
MOST = 0.40
"""Limit of the ratio to `import pulumi`: a program only registers resources, so it does not need the API client."""
TURNS = 7
"""Number of starts per run, because a start is short, and a difference is noisier than its terms."""


def measure(plan: Plan) -> list[Series]:
    """Start Python with each statement alternately."""
    starts = {statement: partial(_seconds, statement) for statement in (BARE, PULUMI, *OURS.values())}
    for start in starts.values():
        start()  # compiles changed modules
    turns = plan.runs * TURNS
    plan.on_step(f"starting Python {turns * len(starts)} times")
    taken = in_turns(starts, turns, on_step=lambda _step: None)
    return [_series(name, statement, taken) for name, statement in OURS.items()]


def versions() -> dict[str, str]:
    """Return the versions of `pulumi` and of the other packages that this package imports."""
    return {name: version(name) for name in ("pulumi", "pydantic", "tenacity")}


def _seconds(statement: str) -> float:
    # An import does not wait, and other processes affect its CPU time less than its wall-clock time.
    return processes.run([sys.executable, "-I", "-c", statement]).cpu_seconds


def _series(name: str, statement: str, taken: dict[str, list[float]]) -> Series:
    point = Point(None, _beyond(taken[statement], taken[PULUMI]), _beyond(taken[PULUMI], taken[BARE]))
    package, peer = f"`{statement}` beyond `{PULUMI}`", f"`{PULUMI}` beyond bare Python"
    return Series(name, "cpu s", package, peer, (point,), at_most=MOST)


def _beyond(longer: list[float], shorter: list[float]) -> tuple[float, ...]:
    return tuple(more - less for more, less in zip(longer, shorter, strict=True))
