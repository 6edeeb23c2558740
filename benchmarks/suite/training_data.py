"""Duration of checking training files (sizes in MB), compared with json and tiktoken, and with only parsing."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import training_data
from benchmarks.measurement import Point, Series, in_turns
from benchmarks.training_data import WITHOUT_TOKENS, seconds

if TYPE_CHECKING:
    from benchmarks.benchmark import Plan


class _Comparison(NamedTuple):
    name: str
    way: str
    cores: int
    peer: str
    at_most: float | None = None


COMPARISONS = (
    _Comparison("check and count, 1 core", "ours", 1, "peer", 1 / 5),
    _Comparison("check and count, 2 cores", "ours", 2, "peer", 1 / 8),
    _Comparison("check and estimate, 1 core", WITHOUT_TOKENS, 1, "parsing", 1 / 0.5),
    _Comparison("check and estimate, 2 cores", WITHOUT_TOKENS, 2, "parsing", 1 / 0.7),
    _Comparison("counting alone, 1 core", "counting", 1, "ours"),
    _Comparison("hashing alone, 1 core", "hashing", 1, "parsing"),
    _Comparison("reading alone, 1 core", "reading", 1, "parsing"),
)
NAMES = {
    "ours": "training_data.check",
    WITHOUT_TOKENS: "training_data.check without the tokenizer",
    "peer": "json and tiktoken on 1 core",
    "parsing": "msgspec alone, line by line, on 1 core",
}

Seconds = dict[tuple[str, int], list[float]]
"""Durations in the order of the runs, by way and number of cores."""


def measure(plan: Plan) -> list[Series]:
    """Run all ways alternately on the same files, each in a new process."""
    training_data.require_peers()
    training_data.require_cores(max(one.cores for one in COMPARISONS))
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder:
        taken = {size: _taken(Path(folder), size, plan) for size in plan.data}
    return [_series(comparison, taken) for comparison in COMPARISONS]


def versions() -> dict[str, str]:
    """Return the versions of the baselines and of this package's dependencies."""
    return training_data.peer_versions()


def _taken(folder: Path, size: int, plan: Plan) -> Seconds:
    plan.on_step(f"writing {size} MB")
    file = training_data.write(folder / "training.jsonl", size)
    ways = {f"{way}, {cores}": (way, cores) for way, cores in _ways()}
    going = {name: partial(seconds, way, file, cores) for name, (way, cores) in ways.items()}
    found = in_turns(going, plan.runs, lambda step: plan.on_step(f"{size} MB, {step}"))
    return {ways[name]: samples for name, samples in found.items()}


def _ways() -> list[tuple[str, int]]:
    """Return all ways and their cores without duplicates. Ways that are compared run directly after each other."""
    pairs = [((one.way, one.cores), (one.peer, 1)) for one in COMPARISONS]
    return list(dict.fromkeys(way for pair in pairs for way in pair))


def _series(comparison: _Comparison, taken: dict[int, Seconds]) -> Series:
    name, way, cores, peer, at_most = comparison
    points = tuple(
        Point(size, tuple(found[way, cores]), tuple(found[peer, 1])) for size, found in taken.items()
    )
    return Series(name, "s", NAMES.get(way, name), NAMES[peer], points, at_most=at_most)
