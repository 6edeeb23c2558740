"""Starts the trainer on several workers of a Ray cluster: `python -m pulumi_openai_ft.trainer.cluster FOLDER`.

This process is the driver. It locks the folder, starts the workers with Ray Train, and writes the result. The workers
share a second lock, because Ray ends them after their driver. The number of workers is in the folder's
`cluster.json`. A failed worker ends the attempt, because the server counts attempts.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError, WorkerGroupError
from ray.train.torch import TorchConfig, TorchTrainer

from pulumi_openai_ft.trainer.command import run
from pulumi_openai_ft.trainer.failures import explain
from pulumi_openai_ft.trainer.job_folder import JobFolder
from pulumi_openai_ft.trainer.offline import OFFLINE
from pulumi_openai_ft.trainer.ranks import ProcessGroupRanks
from pulumi_openai_ft.trainer.request import read_request
from pulumi_openai_ft.trainer.stop import Stop, StoppedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.trainer.errors import TrainingError
    from pulumi_openai_ft.trainer.plan import Plan
    from pulumi_openai_ft.trainer.request import Request

STORAGE = "ray"
"""Folder in the job folder that Ray Train uses during a run."""

LONGEST_SILENCE_SECONDS = 1800
"""Time that a worker waits for another one before it fails."""


class Cluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The workers of a training run, from `cluster.json`.

    Attributes:
        workers: Number of workers.
        cpus: CPUs of each worker.
        gpus: GPUs of each worker. Training on GPUs was not tried, so any other number than 0 is refused.
    """

    workers: int
    cpus: float = 1
    gpus: float = 0


class _StopFile(Stop):
    """A request to stop that workers on other machines receive, as a file in the job folder."""

    def __init__(self, folder: JobFolder) -> None:
        self._path = folder.path / "stop"

    @property
    def requested(self) -> bool:
        """Return whether a stop was requested."""
        return self._path.exists()

    def request(self) -> None:
        """Request a stop."""
        self._path.touch()

    def withdraw(self) -> None:
        """Withdraw the request of an earlier attempt."""
        self._path.unlink(missing_ok=True)


def main() -> int:
    """Train the job of a folder on the cluster, and return the exit code."""
    stop = Stop()
    stop.listen()
    return run(stop, train)


def train(folder: JobFolder, _request: Request, stop: Stop) -> Plan:
    """Train a job on the workers of its `cluster.json`, and return the plan that was carried out.

    Raises:
        TrainingError: The job cannot be trained.
        StoppedError: A stop was requested. The run is saved if it had begun.
        TrainingFailedError: A worker ended unexpectedly.
    """
    cluster = msgspec.json.decode((folder.path / "cluster.json").read_bytes(), type=Cluster)
    if cluster.gpus:
        raise NotImplementedError("training on several workers with GPUs was not tried")
    stop_file = _StopFile(folder)
    stop_file.withdraw()
    folder.last_checkpoint()  # removes incomplete checkpoints before the workers look for one
    os.environ["RAY_OVERRIDE_JOB_RUNTIME_ENV"] = "1"  # else Ray refuses variables of the submission
    ray.init(runtime_env={"env_vars": _variables(cluster)})
    try:
        _forward(stop, stop_file)
        return _fit(folder, cluster, stop)
    finally:
        ray.shutdown()
        shutil.rmtree(folder.path / STORAGE, ignore_errors=True)


def _variables(cluster: Cluster) -> dict[str, str]:
    """Return the environment variables of the workers. Those of the submission take precedence over the defaults."""
    submission = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
    submitted: dict[str, str] = (submission.get("runtime_env") or {}).get("env_vars") or {}
    return {"OMP_NUM_THREADS": str(max(1, int(cluster.cpus))), **submitted, **OFFLINE}


def _forward(stop: Stop, stop_file: _StopFile) -> None:
    """Forward SIGTERM to the workers. Ray has replaced the handler of this process."""

    def request(*_: object) -> None:
        stop.request()
        stop_file.request()

    signal.signal(signal.SIGTERM, request)
    stop.check()


def _fit(folder: JobFolder, cluster: Cluster, stop: Stop) -> Plan:
    trainer = TorchTrainer(
        work,
        train_loop_config={"folder": str(folder.path), "driver": folder.workers.driver},
        torch_config=TorchConfig(backend="gloo", timeout_s=LONGEST_SILENCE_SECONDS),
        scaling_config=ScalingConfig(num_workers=cluster.workers, resources_per_worker={"CPU": cluster.cpus}),
        run_config=RunConfig(
            name=folder.workers.driver,
            storage_path=str(folder.path / STORAGE),
            failure_config=FailureConfig(max_failures=0),
        ),
    )
    try:
        plan: Plan | None = trainer.fit().return_value
    except TrainingFailedError as error:
        if stop.requested:  # a worker that stopped while it was loading makes the others fail
            raise StoppedError from error
        if explained := _explained(error):
            raise explained from error
        raise
    if plan is None:
        raise StoppedError
    return plan


def _explained(error: TrainingFailedError) -> TrainingError | None:
    """Return the failure of a worker that a person can resolve, if there is one."""
    failures = error.worker_failures.values() if isinstance(error, WorkerGroupError) else ()
    return next((found for failure in failures if (found := explain(failure))), None)


def work(config: Mapping[str, str]) -> Plan | None:
    """Train as one of the workers. Return the plan, or None after a stop."""
    from pulumi_openai_ft.trainer.training import train as train_as  # noqa: PLC0415  # the driver needs no torch

    os.umask(0o077)
    folder = JobFolder(Path(config["folder"]))
    try:
        with folder.workers.shared(config["driver"]):
            return train_as(folder, read_request(folder.request), _StopFile(folder), ProcessGroupRanks())
    except StoppedError:
        return None


if __name__ == "__main__":
    sys.exit(main())
