"""The load at which a single server becomes the limit: all slots train, and clients are added until lists are too slow."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.serve_scale.clients import Latencies, Pollers, percentile
from benchmarks.serve_scale.report import LIST_P95_SECONDS
from benchmarks.serve_scale.simulation import KEYS, cpu_seconds, running, submit

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from benchmarks.serve_scale.plan import SimulationPlan
    from benchmarks.serve_scale.simulation import Service

CLIENTS = (25, 50, 100, 200, 400, 800, 1600)
WARM_UP_SECONDS = 4.0
MEASURED_SECONDS = 10.0


@dataclass(frozen=True)
class Load:
    """The requests of a number of clients.

    Attributes:
        clients: Number of clients.
        requests_per_second: Number of requests that the service responded to.
        list_seconds: Durations of lists: median and 95th percentile.
        service_cores: Cores that the service used.
        clients_cores: Cores that the clients used.
        trainers_cores: Cores that the stand-in trainers used.
    """

    clients: int
    requests_per_second: float
    list_seconds: tuple[float, float]
    service_cores: float
    clients_cores: float
    trainers_cores: float


def loads(folder: Path, plan: SimulationPlan) -> Generator[Load]:
    """Yield the measurements of ever more clients, until lists are too slow."""
    seconds = (WARM_UP_SECONDS + MEASURED_SECONDS) * (len(CLIENTS) + 1)
    full = replace(
        plan,
        jobs=plan.slots,
        submission_seconds=0,
        run_seconds=plan.run_seconds + seconds,
        steps=int(plan.steps * (1 + seconds / plan.run_seconds)),
    )
    with running(folder, full) as service:
        submit(service.url, full)
        pollers = Pollers(service.url, KEYS, plan.poll_seconds)
        try:
            for clients in CLIENTS:
                pollers.add(clients - pollers.count)
                time.sleep(WARM_UP_SECONDS)
                load = _measure(service, pollers)
                yield load
                if load.list_seconds[1] > LIST_P95_SECONDS:
                    return
        finally:
            pollers.stop()


def load_table(found: Load) -> str:
    """Return a line with all figures."""
    median, p95 = (seconds * 1000 for seconds in found.list_seconds)
    return (
        f"{found.clients:5} clients: {found.requests_per_second:4.0f} requests/s; list: p50 {median:.0f}, p95 {p95:.0f} ms; "
        f"cores: service {found.service_cores:.2f}, clients {found.clients_cores:.2f}, trainers {found.trainers_cores:.2f}"
    )


def _measure(service: Service, pollers: Pollers) -> Load:
    pollers.latencies = latencies = Latencies()
    started, before = time.monotonic(), _cpu(service)
    time.sleep(MEASURED_SECONDS)
    seconds = time.monotonic() - started
    used = [(after - earlier) / seconds for after, earlier in zip(_cpu(service), before, strict=True)]
    listed = latencies.samples["list"][:]
    requests = sum(map(len, latencies.samples.values()))
    return Load(pollers.count, requests / seconds, (percentile(listed, 50), percentile(listed, 95)), *used)


def _cpu(service: Service) -> tuple[float, float, float]:
    return cpu_seconds(service.pid), time.process_time(), cpu_seconds(service.trainers_pid())
