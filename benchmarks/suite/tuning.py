"""Effect of each tuning constant of polling, lookups and connections: the same work with the constant and without it."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import httpx

from benchmarks.measurement import Figure, Point, Series, in_turns
from benchmarks.stack import API_KEY
from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.idempotency import JobKeys
from pulumi_openai_ft._provider.job.manager import JobManager
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from benchmarks.benchmark import Plan

MODEL = "gpt-4.1-mini-2025-04-14"
WITH, WITHOUT = "with it", "without it"


class QuietHost(Host):
    """A host that follows the events of jobs, as this package's host does, without printing messages."""

    shows_progress = True

    def info(self, message: str) -> None:
        """Drop a message."""


class Work(NamedTuple):
    """Jobs that the threads of a process create and wait for.

    Attributes:
        jobs: Number of jobs.
        training: Seconds that each trains.
        spread: Seconds over which the jobs are created.
        latency: Seconds that the service takes for each response.
    """

    jobs: int
    training: float
    spread: float = 0.0
    latency: float = 0.0


class Cost(NamedTuple):
    """Seconds until the last job was known to have ended, and requests until then."""

    seconds: float
    requests: int


class Constant(NamedTuple):
    """A constant, the value that disables it, the work that shows its effect, and the figure of that work."""

    module: str
    name: str
    disabled: float
    work: Work
    figure: str


MANY = Work(jobs=64, training=2, spread=1.5)
MANY_LONG = Work(jobs=64, training=20)
LONG = Work(jobs=1, training=20)
SLOW = Work(jobs=64, training=1, latency=1.0)
CONSTANTS = (
    Constant("_provider.job.poller", "FIRST_INTERVAL", 10.0, Work(jobs=1, training=2), "seconds"),
    Constant("_provider.job.poller", "BACKOFF_SHARE", 0.0, LONG, "requests"),
    Constant("_provider.job.poller", "DUE_SPEEDUP", 1, LONG, "seconds"),
    Constant("_provider.job.poller", "EVENTS_AT_A_TIME", 64, MANY_LONG, "requests"),
    Constant("_provider.job.lookup", "LISTING_TTL", 0.0, MANY, "requests"),
    Constant("_client.transport", "MAX_CONNECTIONS", 10, SLOW, "seconds"),
)


def measure(plan: Plan) -> list[Series]:
    """Let the jobs of each constant's work wait at an emulator, with the constant and without it."""
    return [_series(constant, plan) for constant in CONSTANTS]


def versions() -> dict[str, str]:
    """Return no versions: only our own code is measured."""
    return {}


def _series(constant: Constant, plan: Plan) -> Series:
    variants = {WITH: None, WITHOUT: constant.disabled}
    runs = {variant: partial(_cost, constant, value) for variant, value in variants.items()}
    costs = in_turns(runs, plan.runs, lambda step: plan.on_step(f"{constant.name}, {step}"))
    package, peer = (
        [float(getattr(cost, constant.figure)) for cost in costs[name]] for name in (WITH, WITHOUT)
    )
    point = Point(constant.work.jobs, tuple(package), tuple(peer))
    return Series(constant.name, constant.figure, WITH, WITHOUT, (point,), figure=Figure.RATIO)


def _cost(constant: Constant, value: float | None) -> Cost:
    work = constant.work
    context = multiprocessing.get_context("spawn")
    parent, child = context.Pipe()
    with Emulator(speed=1.0, job_seconds=work.training) as service:
        process = context.Process(target=_work, args=(child, service.url, constant, value))
        process.start()
        parent.recv()
        if work.latency:
            service.fault("*", "*", "lag", times=None, seconds=work.latency)
        before = service.journal()[-1].number
        parent.send(None)
        seconds = parent.recv()
        process.join()
        return Cost(seconds, len(service.journal(after=before)))


def _work(pipe: Connection, url: str, constant: Constant, value: float | None) -> None:
    """Create the jobs and wait for them, in a separate process. Send the duration in seconds."""
    if value is not None:
        setattr(importlib.import_module(f"pulumi_openai_ft.{constant.module}"), constant.name, value)
    manager = JobManager(Client(Settings(api_key=API_KEY, base_url=url)), QuietHost())
    inputs = {"model": MODEL, "training_file": _upload(url)}
    pipe.send(None)
    pipe.recv()
    started = time.perf_counter()

    def run(number: int) -> None:
        time.sleep(number * constant.work.spread / constant.work.jobs)
        keys = JobKeys(own=f"{number:040d}", former=(), content=f"content-{number}", resource=f"job-{number}")
        job = manager.get_or_create(keys, {**inputs, "suffix": f"job-{number}"})
        manager.reconcile(manager.resolve_duplicate(job), inputs)

    with ThreadPoolExecutor(constant.work.jobs) as threads:
        list(threads.map(run, range(constant.work.jobs)))
    pipe.send(time.perf_counter() - started)


def _upload(url: str) -> str:
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    data = {"file": ("data.jsonl", 10 * (json.dumps(row) + "\n"))}
    headers = {"Authorization": f"Bearer {API_KEY}"}
    response = httpx.post(f"{url}/files", headers=headers, files=data, data={"purpose": "fine-tune"})
    return str(response.raise_for_status().json()["id"])
