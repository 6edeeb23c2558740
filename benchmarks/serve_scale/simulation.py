"""A simulation: it starts the service, submits jobs while clients poll, and checks every job at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from benchmarks.benchmark import BenchmarkError
from benchmarks.serve_scale.clients import Client, Latencies, Pollers
from benchmarks.serve_scale.plan import PROJECTS
from pulumi_openai_ft.serve.keys import hash_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.serve_scale.plan import SimulationPlan

ENDED = ("succeeded", "failed", "cancelled")
BASE = "tiny-llama"
KEYS = tuple(f"sk-proj-simulation-{number}" for number in range(PROJECTS))
SECONDS_TO_STOP = 60.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

CONFIG = """\
organization = "team"
data = "data"

[[base]]
id = "{base}"
path = "model"
max_length = 256

{keys}
[training]
python = "{python}"
slots = {slots}

[limits]
free_disk_bytes = 1048576
queued_jobs_per_key = {jobs}
"""


@dataclass
class Usage:
    """Samples of the resources that the service's process uses, one per second."""

    memory: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    @property
    def memory_growth(self) -> int:
        """Return the growth of the resident memory since the first sample, in bytes."""
        return max(self.memory) - self.memory[0]


@dataclass
class Outcome:
    """The result of a simulation.

    Attributes:
        latencies: Durations of the pollers' requests.
        submissions: Duration of each submission.
        waits: Seconds from each submission to the start of its training, in the order of the submissions.
        statuses: Number of jobs by status.
        attempts: Number of jobs by number of attempts that trained.
        usage: Resources that the service's process used.
        measured: Measurements of the service itself.
        seconds: Duration from the first submission to the end of the last job.
        core_wait_seconds: Time that threads of the service were ready to run, but waited for a core.
        trainers_cpu_seconds: CPU time of the stand-in trainers.
        clients_cpu_seconds: CPU time of this process.
    """

    latencies: Latencies
    submissions: list[float]
    waits: list[float]
    statuses: Counter[str]
    attempts: Counter[int]
    usage: Usage
    measured: dict[str, Any]
    seconds: float
    core_wait_seconds: float
    trainers_cpu_seconds: float
    clients_cpu_seconds: float


@dataclass
class Service:
    """A running service."""

    folder: Path
    process: subprocess.Popen[str]
    url: str

    @property
    def pid(self) -> int:
        """Return the id of the service's process."""
        return self.process.pid

    def trainers_pid(self) -> int:
        """Return the id of the process of the stand-in trainers, the only child of the service."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])

    def core_wait_seconds(self) -> float:
        """Return how long the present threads were ready to run, but waited for a core: other processes used it."""
        schedules = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(path.read_text().split()[1]) for path in schedules) / 1e9

    def stop(self) -> dict[str, Any]:
        """Stop the service. Return its measurements."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=SECONDS_TO_STOP)
        found: dict[str, Any] = json.loads(output)
        return found


@contextmanager
def running(folder: Path, plan: SimulationPlan) -> Iterator[Service]:
    """Start a service in a folder, and stop it at the end if it still runs."""
    config = _write_config(folder, plan)
    numbers = (plan.run_seconds, plan.steps, plan.tick)
    command = [sys.executable, "-m", "benchmarks.serve_scale.server", str(config), *map(str, numbers)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,  # noqa: S603  # a module of this package
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise BenchmarkError(f"the service did not start: {(folder / 'log').read_text()[-500:]}")
            yield Service(folder, process, url)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Stop the service, which waits for its trainers, so that nothing writes to the folder any more."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()


def simulate(folder: Path, plan: SimulationPlan) -> Outcome:
    """Run a simulation in a folder.

    Raises:
        BenchmarkError: The service did not start, or the jobs did not end in time.
    """
    cpu_before = time.process_time()
    with running(folder, plan) as service:
        pollers, usage, over = Pollers(service.url, KEYS, plan.poll_seconds), Usage(), Event()
        pollers.add(plan.clients)
        sampler = Thread(target=_sample, args=(service.pid, usage, over))
        sampler.start()
        started = time.monotonic()
        try:
            submitted = submit(service.url, plan)
            jobs = _wait_for_jobs(service.url, plan, started)
        finally:
            pollers.stop()
            over.set()
            sampler.join()
        seconds = time.monotonic() - started
        trainers_cpu_seconds = cpu_seconds(service.trainers_pid())
        core_wait_seconds = service.core_wait_seconds()
        measured = service.stop()
    attempts = {job: _attempts(folder, job) for job in submitted}
    return Outcome(
        latencies=pollers.latencies,
        submissions=[done - began for began, done in submitted.values()],
        waits=[times[0] - submitted[job][0] for job, times in attempts.items() if times],
        statuses=Counter(job["status"] for job in jobs if job["id"] in submitted),
        attempts=Counter(len(times) for times in attempts.values()),
        usage=usage,
        measured=measured,
        seconds=seconds,
        core_wait_seconds=core_wait_seconds,
        trainers_cpu_seconds=trainers_cpu_seconds,
        clients_cpu_seconds=time.process_time() - cpu_before,
    )


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def submit(url: str, plan: SimulationPlan) -> dict[str, tuple[float, float]]:
    """Submit all jobs. Return the Unix seconds before and after each submission, by job."""
    clients = [Client(url, key) for key in KEYS]
    submitted: dict[str, tuple[float, float]] = {}
    started = time.monotonic()
    for number in range(plan.jobs):
        due = started + number * plan.submission_seconds / plan.jobs
        time.sleep(max(due - time.monotonic(), 0))
        began = time.time()
        job = clients[number % len(clients)].submit(BASE, str(number))
        submitted[job] = began, time.time()
    for client in clients:
        client.close()
    return submitted


def _wait_for_jobs(url: str, plan: SimulationPlan, started: float) -> list[dict[str, Any]]:
    clients = [Client(url, key) for key in KEYS]
    while True:
        jobs = [job for client in clients for job in client.jobs()]
        if all(job["status"] in ENDED for job in jobs):
            for client in clients:
                client.close()
            return jobs
        if time.monotonic() - started > plan.patience:
            raise BenchmarkError(f"the jobs did not end: {dict(Counter(job['status'] for job in jobs))}")
        time.sleep(min(2.0, plan.run_seconds / 4))


def _sample(pid: int, usage: Usage, over: Event) -> None:
    while not over.is_set():
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        usage.memory.append(int(status["VmRSS"].split()[0]) * 1024)
        usage.threads.append(int(status["Threads"]))
        usage.files.append(sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))
        over.wait(1.0)


def _attempts(folder: Path, job: str) -> list[float]:
    """Return when each attempt of a job began to train, in Unix seconds."""
    path = folder / "data" / "jobs" / job / "attempts"
    lines: Sequence[str] = path.read_text().splitlines() if path.exists() else ()
    return [float(line.split()[1]) for line in lines]


def _write_config(folder: Path, plan: SimulationPlan) -> Path:
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    (model / "tokenizer.json").write_text("{}")
    (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    (model / "model.safetensors").write_bytes((8).to_bytes(8, "little") + b"{}      ")
    keys = "\n".join(
        f'[[key]]\nhash = "{hash_key(key)}"\nmasked = "sk-proj-…{number}"\nproject = "proj_{number}"\n'
        for number, key in enumerate(KEYS)
    )
    config = folder / "serve.toml"
    config.write_text(
        CONFIG.format(base=BASE, keys=keys, python=sys.executable, slots=plan.slots, jobs=plan.jobs)
    )
    return config
