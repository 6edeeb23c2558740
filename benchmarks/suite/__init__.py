"""The benchmarks, by the names under which they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.suite import import_time, overhead

if TYPE_CHECKING:
    from benchmarks.benchmark import Benchmark

SUITE: dict[str, Benchmark] = {"overhead": overhead, "import": import_time}
