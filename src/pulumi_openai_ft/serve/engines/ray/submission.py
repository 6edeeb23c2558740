"""The requests to Ray that run a trainer, and the sentences about their resources."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GRACE_SECONDS = 60
"""Seconds between SIGTERM and SIGKILL. By default, Ray grants 3, in which a trainer cannot save."""
NO_FOLDER = 72
"""Exit code of the command: the machine of the cluster does not see the job's folder."""
WITHDRAWN = 75
"""Exit code of the command: the service withdrew the submission. It is that of a trainer that was stopped."""
MARKER = "submission"
"""File in the job's folder with the id of the only submission that may train there."""
CLUSTER_FILE = "cluster.json"
"""File in the job's folder with the workers of a training run with several of them."""


@dataclass(frozen=True)
class Resources:
    """Resources of each worker of a training run.

    Attributes:
        cpus: CPUs.
        gpus: GPUs.
        memory: Bytes of memory, if they are to be reserved.
        accelerator: Type of the GPUs in Ray's words, such as A100.
        workers: Number of workers.
    """

    cpus: int = 1
    gpus: int = 0
    memory: int | None = None
    accelerator: str | None = None
    workers: int = 1

    def requested(self) -> dict[str, float]:
        """Return the resources with Ray's names."""
        accelerator = {f"accelerator_type:{self.accelerator}": 0.001} if self.accelerator else {}
        found = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory or 0, **accelerator}
        return {name: amount for name, amount in found.items() if amount}


@dataclass(frozen=True)
class Command:
    """How the cluster runs a trainer.

    Attributes:
        python: Python on the machines of the cluster.
        resources: Resources.
        runtime_env: Ray's runtime environment: an image, packages, environment variables.
    """

    python: str
    resources: Resources
    runtime_env: Mapping[str, Any] = field(default_factory=dict)

    def request(self, submission_id: str, folder: Path) -> dict[str, Any]:
        """Return the request that trains the job of a folder."""
        return {
            "entrypoint": self._entrypoint(submission_id, folder),
            "metadata": {"job": folder.name},
            "runtime_env": self.environment(),
            **self._reserved(),
        }

    def environment(self) -> dict[str, Any]:
        """Return the runtime environment of a trainer."""
        variables = {
            **self.runtime_env.get("env_vars", {}),
            "RAY_JOB_STOP_WAIT_TIME_S": str(GRACE_SECONDS),
        }
        return {**self.runtime_env, "env_vars": variables}

    def cluster(self) -> dict[str, int] | None:
        """Return the content of the file for several workers. None for a single worker."""
        needed = self.resources
        if needed.workers == 1:
            return None
        return {"workers": needed.workers, "cpus": needed.cpus, "gpus": needed.gpus}

    def _entrypoint(self, submission_id: str, folder: Path) -> str:
        """Return a shell command that trains only if the submission is still named in the job's folder.

        Ray starts a submission that waited for resources even if it was stopped in the meantime. The output goes to the
        job's folder, because a lost head loses its own log files.
        """
        module = "pulumi_openai_ft.trainer" + ("" if self.resources.workers == 1 else ".cluster")
        path = shlex.quote(str(folder))
        return (
            f"[ -d {path} ] || exit {NO_FOLDER}; "
            f'[ "$(cat {path}/{MARKER})" = {shlex.quote(submission_id)} ] || exit {WITHDRAWN}; '
            f"exec {shlex.quote(self.python)} -m {module} {path} >>{path}/trainer.log 2>&1"
        )

    def _reserved(self) -> dict[str, Any]:
        """Return the resources of the command. Ray Train reserves those of several workers itself."""
        if self.resources.workers > 1:
            return {}
        requested = self.resources.requested()
        names = {"CPU": "entrypoint_num_cpus", "GPU": "entrypoint_num_gpus", "memory": "entrypoint_memory"}
        special = {name: amount for name, amount in requested.items() if name not in names}
        reserved = {names[name]: amount for name, amount in requested.items() if name in names}
        return {**reserved, "entrypoint_resources": special} if special else reserved


def explain_wait(resources: Resources, usage: Mapping[str, tuple[float, float]]) -> tuple[str, str]:
    """Return a sentence that names the resources for which a submission waits, and the level of the event.

    Args:
        resources: The requested resources.
        usage: Used and total amounts of the cluster, which may be unknown.
    """
    found = {_own_name(name): amounts for name, amounts in usage.items()}
    requested = resources.requested()
    missing = {name: n for name, n in requested.items() if found and n > found.get(name, (0, 0))[1]}
    if missing:
        names = _listed(missing)
        return f"The job waits for {names}, which the Ray cluster does not have now", "warn"
    short = {name: n for name, n in requested.items() if n > _free(found.get(name))}
    if short:
        return f"The job waits in the queue of the Ray cluster for {_listed(short)}", "info"
    return (
        f"The job waits until a machine of the Ray cluster has {_listed(requested)} at the same time",
        "info",
    )


def _free(amounts: tuple[float, float] | None) -> float:
    return float("inf") if amounts is None else amounts[1] - amounts[0]


def _own_name(name: str) -> str:
    """Return the name of a resource. The dashboard changes the part before the colon to camel case."""
    return name.replace("acceleratorType:", "accelerator_type:")


def _listed(amounts: Mapping[str, float]) -> str:
    return " and ".join(_amount(name, amount) for name, amount in amounts.items())


def _amount(name: str, amount: float) -> str:
    if name == "memory":
        return f"{amount / 2**30:.1f} GiB of memory"
    if ":" in name:
        return f"an accelerator of type {name.partition(':')[2]}"
    return f"{amount:g} {name}{'' if amount == 1 else 's'}"
