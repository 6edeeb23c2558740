"""Command line of the simulation: `python -m benchmarks.serve_scale`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.benchmark import BenchmarkError
from benchmarks.command import INTERRUPTED, interruptible
from benchmarks.progress import write_line
from benchmarks.serve_scale.limit import load_table, loads
from benchmarks.serve_scale.plan import SimulationPlan
from benchmarks.serve_scale.report import failures, table
from benchmarks.serve_scale.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a simulation and print its report. Return the exit code: 0, or 1 if a target was missed."""
    options = vars(_parser().parse_args(arguments))
    finds_limit = options.pop("limit")
    plan = SimulationPlan(**options)
    with TemporaryDirectory(prefix="openai-ft-simulation-") as folder:
        try:
            return _find_limit(Path(folder), plan) if finds_limit else _simulate(Path(folder), plan)
        except BenchmarkError as error:
            write_line(f"simulation: {error}")
            return 1
        except KeyboardInterrupt:
            write_line("simulation: interrupted; all processes have ended")
            return INTERRUPTED


def _simulate(folder: Path, plan: SimulationPlan) -> int:
    outcome = simulate(folder, plan)
    sys.stdout.write(f"{table(plan, outcome)}\n")
    missed = failures(plan, outcome)
    for target in missed:
        write_line(f"simulation: missed: {target}")
    return 1 if missed else 0


def _find_limit(folder: Path, plan: SimulationPlan) -> int:
    for load in loads(folder, plan):
        sys.stdout.write(f"{load_table(load)}\n")
        sys.stdout.flush()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serve_scale",
        description="Simulates `openai-ft serve` with many jobs and clients. Its trainers only sleep and write.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--limit", action="store_true", help="add clients until lists are too slow, instead of the simulation"
    )
    for field in fields(SimulationPlan):
        assert isinstance(field.default, int | float)
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=type(field.default), default=field.default, help=" ")
    return parser


if __name__ == "__main__":
    interruptible()
    sys.exit(main())
