"""Start time and idle CPU time of this package's host, compared with Pulumi's own host."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import processes, stack
from benchmarks.benchmark import BenchmarkError
from benchmarks.measurement import Figure, Point, Series, in_turns

if TYPE_CHECKING:
    from benchmarks.benchmark import Plan

OURS, STOCK = "our host", "stock host"
MODULES = {OURS: "pulumi_openai_ft.host", STOCK: "pulumi.dynamic"}
WRAPPER = "pulumi-resource-pulumi-python"
NOBODY = "127.0.0.1:1"
"""Address of an engine that does not exist. Hosts do not connect before they need the engine."""
TURNS = 9
"""Number of starts of each host per run, because a start is short and noisy."""
SETTLED, IDLE = 1.0, 5.0
"""Seconds after the start until a host is idle, and seconds for which it is then measured."""
LONGEST_START = 1.3
MOST_IDLE = 0.02
"""Limit of the CPU seconds during `IDLE` in addition to those of Pulumi's own host: two steps of the counter."""


def measure(plan: Plan) -> list[Series]:
    """Measure starts of both hosts, as modules and through the wrappers like the engine does, then idle hosts."""
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder:
        project = Path(folder) / "project"
        shutil.copytree(stack.PROGRAMS / "floor", project)
        stack.select_our_host(project)
        wrappers = {OURS: [str(project / "bin" / WRAPPER)], STOCK: [_stock_wrapper()]}
        return [
            _starts("until the port is said", _modules(), project, plan),
            _starts("the same, by the wrapper", wrappers, project, plan),
            _idleness(project, plan),
        ]


def versions() -> dict[str, str]:
    """Return the version of Pulumi's own host."""
    return {"pulumi": version("pulumi")}


def _modules() -> dict[str, list[str]]:
    return {name: [sys.executable, "-u", "-m", module] for name, module in MODULES.items()}


def _stock_wrapper() -> str:
    """Return the path of Pulumi's wrapper, which is in the folder of the engine."""
    engine = shutil.which("pulumi")
    wrapper = engine and shutil.which(WRAPPER, path=str(Path(engine).parent))
    if not wrapper:
        raise BenchmarkError(f"no {WRAPPER} in the folder of an engine on PATH; run `make bench`")
    return wrapper


def _starts(name: str, commands: dict[str, list[str]], project: Path, plan: Plan) -> Series:
    starts = {name: partial(_seconds, command, project) for name, command in commands.items()}
    for start in starts.values():
        start()  # compiles changed modules
    turns = plan.runs * TURNS
    plan.on_step(f"{name}: starting {turns * len(starts)} hosts")
    taken = in_turns(starts, turns, on_step=lambda _step: None)
    point = Point(None, tuple(taken[OURS]), tuple(taken[STOCK]))
    return Series(name, "s", OURS, STOCK, (point,), at_most=LONGEST_START)


def _seconds(command: list[str], project: Path) -> float:
    with processes.serving([*command, NOBODY], cwd=project, env=stack.environment(project)) as host:
        return host.seconds


def _idleness(project: Path, plan: Plan) -> Series:
    name = f"in {IDLE:.0f} s of idleness"
    idle = {name: partial(_idle, command, project) for name, command in _modules().items()}
    taken = in_turns(idle, plan.runs, lambda step: plan.on_step(f"{name}, {step}"))
    point = Point(None, tuple(taken[OURS]), tuple(taken[STOCK]))
    return Series(name, "cpu s", OURS, STOCK, (point,), Figure.BEYOND, MOST_IDLE)


def _idle(command: list[str], project: Path) -> float:
    with processes.serving([*command, NOBODY], cwd=project, env=stack.environment(project)) as host:
        time.sleep(SETTLED)
        before = processes.cpu_seconds(host.pid)
        time.sleep(IDLE)
        return processes.cpu_seconds(host.pid) - before
