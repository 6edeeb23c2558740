"""Check everything that the service needs: folder, weights, training environment, GPUs, disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ByteSize

from pulumi_openai_ft.serve.child_environment import without_secrets
from pulumi_openai_ft.serve.config import load_config, not_downloaded
from pulumi_openai_ft.serve.errors import ConfigError, ServeError
from pulumi_openai_ft.serve.listener import Listener
from pulumi_openai_ft.server.file_lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from pulumi_openai_ft.serve.config import ServeConfig

OK, WARNING, PROBLEM = "ok", "warning", "problem"
_PROBE_SECONDS = 300
_PACKAGES = ("torch", "transformers", "peft", "trl", "safetensors")
_PROBE = f"""
import importlib.util, json
from importlib.metadata import PackageNotFoundError, version
found = {{}}
for name in {_PACKAGES!r}:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = None
try:
    trainer = importlib.util.find_spec("pulumi_openai_ft.trainer") is not None
except ModuleNotFoundError:
    trainer = False
result = {{"packages": found, "trainer": trainer, "gpus": []}}
if all(found.values()):
    import torch
    result["gpus"] = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
print(json.dumps(result))
"""


class Finding(NamedTuple):
    """The result of a check: its subject, `ok`, `warning` or `problem`, and a message with the next step."""

    check: str
    status: str
    message: str


def examine(path: Path) -> list[Finding]:
    """Check a configuration file and everything that it names."""
    try:
        config = load_config(path, may_download=True)
    except ConfigError as error:
        return [Finding("config", PROBLEM, mistake) for mistake in error.mistakes]
    except ServeError as error:
        return [Finding("config", PROBLEM, str(error))]
    return [Finding("config", OK, str(path)), *_examine(config)]


def _examine(config: ServeConfig) -> Iterator[Finding]:
    yield _keys(config)
    yield _folder(config.data)
    yield _disk(config)
    yield from _weights(config)
    if config.engine.type == "ray":
        yield _cluster(config)
    if config.engine.type == "local" or config.serving.vllm is None:
        yield from _training(config)
    yield from _variables(config)


def _keys(config: ServeConfig) -> Finding:
    try:
        Listener(tls=config.tls).check(config)
    except ServeError as error:
        return Finding("keys", PROBLEM, str(error))
    admins = sum(key.admin for key in config.keys)
    projects = len({key.project for key in config.keys if key.project})
    counts = (("project key", len(config.keys) - admins), ("project", projects), ("admin key", admins))
    message = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts)
    if admins:
        return Finding("keys", OK, message)
    return Finding(
        "keys",
        WARNING,
        f"{message}: checkpoint permissions need an admin key, `openai-ft serve key add --admin`",
    )


def _folder(data: Path) -> Finding:
    existing = _nearest_existing(data)
    if not existing.is_dir():
        return Finding("data", PROBLEM, f"{existing} is not a folder: set `data` to another path")
    if not os.access(existing, os.W_OK | os.X_OK):
        return Finding(
            "data", PROBLEM, f"{existing} is not writable: change its owner, or set `data` to another path"
        )
    if fault := _fault_of_locks(existing):
        return Finding(
            "data",
            PROBLEM,
            f"the file system of {existing} refuses locks ({fault}), without which two services could write to it: set `data` "
            "to a path on a local disk, NFS 4 or CephFS",
        )
    return Finding("data", OK, f"{data} {'is writable' if existing == data else 'will be created'}")


def _fault_of_locks(folder: Path) -> str | None:
    """Return why files in a folder cannot be locked, or None if they can."""
    try:
        with TemporaryFile(dir=folder) as file:
            try_lock(file)
    except OSError as error:
        return error.strerror
    return None


def _disk(config: ServeConfig) -> Finding:
    free, needed = shutil.disk_usage(_nearest_existing(config.data)).free, config.limits.free_disk_bytes
    message = f"{_size(free)} free"
    if free >= needed:
        return Finding("disk", OK, message)
    wanted = f"limits.free_disk_bytes is {_size(needed)}"
    return Finding(
        "disk", PROBLEM, f"{message}, but {wanted}: uploads and jobs are refused until you free space"
    )


def _size(count: int) -> str:
    return ByteSize(count).human_readable(separator=" ")


def _nearest_existing(path: Path) -> Path:
    return next(found for found in (path, *path.parents) if found.exists())


def _weights(config: ServeConfig) -> Iterator[Finding]:
    missing = config.not_downloaded()
    for index, base in enumerate(config.bases):
        if index in missing:
            yield Finding("weights", PROBLEM, not_downloaded(index, base))
            continue
        folder = config.folder(base)
        size = sum(part.stat().st_size for part in folder.glob("*.safetensors"))
        yield Finding("weights", OK, f"{base.id}: {_size(size)} of safetensors in {folder}")


def _cluster(config: ServeConfig) -> Finding:
    from pulumi_openai_ft.serve.engines.ray.setup import check_cluster  # noqa: PLC0415 - imports httpx

    try:
        return Finding("ray", OK, check_cluster(config))
    except ServeError as error:
        return Finding("ray", PROBLEM, str(error))


def _training(config: ServeConfig) -> Iterator[Finding]:
    python = config.training.python
    try:
        found = _probe(python, config.secret_variables)
    except ServeError as error:
        yield Finding("training", PROBLEM, f"training.python {python}: {error}")
        return
    missing = [name for name, version in found["packages"].items() if version is None]
    if not found["trainer"]:
        missing.append("pulumi-openai-ft")
    if missing:
        remedy = "install the extra `train` there (docs/install.md), or set training.python"
        yield Finding("training", PROBLEM, f"{python} lacks {', '.join(missing)}: {remedy}")
        return
    versions = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
    yield Finding("training", OK, f"{python}: {versions}")
    if config.engine.type == "local":
        yield _gpus(config, found["gpus"])
    if found["gpus"] and config.serving.vllm is None and config.serving.gpu is not None:
        yield _serving_gpu(config, config.serving.gpu, len(found["gpus"]))


def _gpus(config: ServeConfig, names: list[str]) -> Finding:
    slots = config.slot_devices()
    runs = f"{len(slots)} training run{'' if len(slots) == 1 else 's'} at the same time"
    absent = [gpu for gpu in config.training.gpus if isinstance(gpu, int) and gpu >= len(names)]
    if absent:
        return Finding("gpu", PROBLEM, f"training.gpus lists {absent[0]}, but torch finds {len(names)} GPUs")
    if not names:
        return Finding("gpu", WARNING, f"torch finds no GPU: training uses the CPU, which is slow; {runs}")
    return Finding("gpu", OK, f"{', '.join(names)}; {runs}")


def _serving_gpu(config: ServeConfig, gpu: int, count: int) -> Finding:
    """Check the GPU of the embedded engine. Without `training.gpus`, jobs train on the first one."""
    if gpu >= count:
        return Finding("serving", PROBLEM, f"serving.device is cuda:{gpu}, but torch finds {count} GPUs")
    if gpu not in (config.training.gpus or (0,)):
        return Finding("serving", OK, f"the embedded engine uses GPU {gpu}, on which no job trains")
    remedy = 'set serving.device to "cpu" or to another GPU'
    return Finding(
        "serving",
        WARNING,
        f"the embedded engine uses GPU {gpu}, and its memory is missing in training: {remedy}",
    )


def _probe(python: Path, secret_variables: Collection[str]) -> dict[str, Any]:
    """Return the versions of the packages and the GPUs that a Python finds.

    Raises:
        ServeError: The Python cannot be run, or fails.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the user's own configuration names the program
            [python, "-c", _PROBE],
            env=without_secrets(secret_variables),
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else None
    except OSError as error:
        raise ServeError(f"cannot be run ({error.strerror}): name a Python executable") from None
    except subprocess.TimeoutExpired:
        raise ServeError(f"did not import torch in {_PROBE_SECONDS} s: try again") from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ServeError(f"torch cannot be imported ({last}): reinstall the extra `train`")
    return found


def _variables(config: ServeConfig) -> Iterator[Finding]:
    if config.serving.vllm:
        yield _variable("serving", "serving.vllm_key_env", str(config.serving.vllm_key_env))
    if config.wandb.key_env:
        yield _variable("wandb", "wandb.key_env", config.wandb.key_env)
    for project, name in config.wandb.project_key_env.items():
        yield _variable("wandb", f"wandb.project_key_env.{project}", name)


def _variable(check: str, path: str, name: str) -> Finding:
    if os.environ.get(name):
        return Finding(check, OK, f"{path}: {name} is set")
    return Finding(
        check, PROBLEM, f"{path} is {name}, which is not set in this environment: set it for the service"
    )
