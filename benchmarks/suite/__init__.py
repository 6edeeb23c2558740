"""Benchmarks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.suite import (
    account_import,
    host_start,
    import_time,
    overhead,
    polling,
    training_data,
    tuning,
    uploads,
    waiting,
)

if TYPE_CHECKING:
    from benchmarks.benchmark import Benchmark

SUITE: dict[str, Benchmark] = {
    "overhead": overhead,
    "import": import_time,
    "account import": account_import,
    "host": host_start,
    "waiting": waiting,
    "polling": polling,
    "tuning": tuning,
    "training data": training_data,
    "uploads": uploads,
}
