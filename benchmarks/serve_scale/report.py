"""The report of a simulation."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.serve_scale.clients import percentile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.serve_scale.plan import SimulationPlan
    from benchmarks.serve_scale.simulation import Outcome

LIST_P95_SECONDS = 0.2
MEMORY_GROWTH_BYTES = 100e6


def failures(plan: SimulationPlan, outcome: Outcome) -> list[str]:
    """Return the targets that a simulation missed."""
    missed = []
    if (p95 := outcome.latencies.p95("list")) >= LIST_P95_SECONDS:
        missed.append(f"p95 of a list is {p95 * 1000:.0f} ms, the target is {LIST_P95_SECONDS * 1000:.0f} ms")
    if outcome.usage.memory_growth >= MEMORY_GROWTH_BYTES:
        missed.append(f"memory grew by {outcome.usage.memory_growth / 1e6:.0f} MB")
    if outcome.latencies.failures:
        missed.append(
            f"{len(outcome.latencies.failures)} requests failed, first: {outcome.latencies.failures[0]}"
        )
    return missed + wrong_jobs(plan, outcome)


def wrong_jobs(plan: SimulationPlan, outcome: Outcome) -> list[str]:
    """Return which jobs were lost, ran twice, or did not succeed."""
    wrong = []
    if outcome.statuses != {"succeeded": plan.jobs}:
        wrong.append(f"{plan.jobs} jobs were submitted, found: {dict(outcome.statuses)}")
    if outcome.attempts != {1: plan.jobs}:
        wrong.append(f"jobs by number of training runs: {dict(outcome.attempts)}")
    return wrong


def table(plan: SimulationPlan, outcome: Outcome) -> str:
    """Return all figures as a table."""
    rows = [
        ("jobs", _counts(outcome.statuses)),
        ("training runs of a job", _attempts(outcome.attempts)),
        *((f"{kind}: p50, p95, max", _milliseconds(found)) for kind, found in _requests(outcome)),
        ("requests", str(sum(map(len, outcome.latencies.samples.values())) + 3 * plan.jobs)),
        (f"time to start, first {plan.slots} jobs: p50, p95, max", _seconds(outcome.waits[: plan.slots])),
        ("time to start, all jobs: p50, p95, max", _seconds(outcome.waits)),
        ("memory: start, growth", _memory(outcome)),
        ("threads, open files: max", f"{max(outcome.usage.threads)}, {max(outcome.usage.files)}"),
        *_server_rows(outcome),
        ("  waiting for a core", f"{outcome.core_wait_seconds:.1f} s"),
        ("duration", f"{outcome.seconds:.0f} s"),
        ("CPU: clients, trainers", _other_cpu(outcome)),
        ("load of the machine, cores", f"{os.getloadavg()[0]:.1f}, {os.cpu_count()}"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows)


def _requests(outcome: Outcome) -> list[tuple[str, Sequence[float]]]:
    return [*sorted(outcome.latencies.samples.items()), ("submission", outcome.submissions)]


def _server_rows(outcome: Outcome) -> list[tuple[str, str]]:
    measured = outcome.measured
    cpu, sqlite, rounds = measured["cpu_seconds"], measured["sqlite_cpu_seconds"], measured["rounds"]
    loop = sum(found["cpu_seconds"] for found in rounds)
    return [
        ("CPU of the service", f"{cpu:.1f} s, {cpu / outcome.seconds:.0%} of a core"),
        ("  in SQLite", f"{sqlite:.1f} s, {sqlite / cpu:.0%}; {measured['statements']:,} statements"),
        ("  in the training loop", f"{loop:.1f} s, {loop / cpu:.0%}; {len(rounds)} rounds"),
        ("  round: p50, p95, max", _milliseconds([found["seconds"] for found in rounds])),
        ("  statements of a round: max", f"{max(found['statements'] for found in rounds):,.0f}"),
    ]


def _other_cpu(outcome: Outcome) -> str:
    shares = (outcome.clients_cpu_seconds, outcome.trainers_cpu_seconds)
    return ", ".join(f"{cpu:.1f} s ({cpu / outcome.seconds:.0%} of a core)" for cpu in shares)


def _memory(outcome: Outcome) -> str:
    return f"{outcome.usage.memory[0] / 1e6:.0f} MB, {outcome.usage.memory_growth / 1e6:+.0f} MB"


def _counts(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in statuses.items())


def _attempts(attempts: Mapping[int, int]) -> str:
    return ", ".join(f"{count} for {jobs} jobs" for count, jobs in sorted(attempts.items()))


def _milliseconds(samples: Sequence[float]) -> str:
    return " ".join(f"{value * 1000:.0f}" for value in _summary(samples)) + " ms"


def _seconds(samples: Sequence[float]) -> str:
    return " ".join(f"{value:.1f}" for value in _summary(samples)) + " s" if samples else "-"


def _summary(samples: Sequence[float]) -> tuple[float, float, float]:
    return percentile(samples, 50), percentile(samples, 95), max(samples)
