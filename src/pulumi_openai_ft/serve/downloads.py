"""Downloads of base models to the data folder, by a process of the training environment.

The process is the only one that reaches a hub. `trainer/download` documents its output. A model's folder gets its name
when the download is complete, so that it is complete or absent.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from pydantic import ByteSize

from pulumi_openai_ft.serve.child_environment import without_secrets
from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.serve.weights import setting_problems, weight_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft.serve.config import Base, ServeConfig

PROGRAM = "pulumi_openai_ft.trainer.download"
HUB_VARIABLE = "HF_TOKEN"
"""Environment variable with the token of the hub. Only the download receives it."""
_SECONDS_TO_EXIT = 5.0
_log = logging.getLogger(__name__)


def download_missing(config: ServeConfig) -> None:
    """Download the base models that are not downloaded yet.

    Raises:
        ServeError: A model cannot be downloaded or used. A later call continues the download.
    """
    for index, base in config.not_downloaded().items():
        if config.folder(base).exists():
            continue  # another base is the same model
        try:
            _download(config, base)
        except OSError as error:
            raise ServeError(f"base[{index}].hub: {base.hub} cannot be stored: {error.strerror}") from error
        except ServeError as error:
            raise ServeError(f"base[{index}].hub: {error}") from error


def _download(config: ServeConfig, base: Base) -> None:
    target = config.folder(base)
    partial = target.with_name(f".{target.name}.part")
    partial.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _events(config, base, partial) as events:
        for event in events:
            if event["event"] == "done":
                _publish(base, event, target)
                shutil.rmtree(partial)
                return
            _follow(config, base, event)
    raise AssertionError("the events end with `done` or an error")


def _follow(config: ServeConfig, base: Base, event: dict[str, Any]) -> None:
    """Log the progress, and stop as soon as the model is known to be unusable."""
    if event["event"] == "plan":
        _check_disk(config, base, event["missing"])
        _log.info("Downloading %s: %s of %s", base.hub, _size(event["missing"]), _size(event["total"]))
    elif event["event"] == "progress":
        _log.info("Downloading %s: %s left", base.hub, _size(event["missing"]))
    elif event["event"] == "configured":
        _require_none(base, Path(event["folder"]), setting_problems(Path(event["folder"])))


def _publish(base: Base, event: dict[str, Any], target: Path) -> None:
    folder = Path(event["folder"])
    _require_none(base, folder, weight_problems(folder))
    folder.rename(target)
    _log.info("Downloaded %s, commit %s", base.hub, event["commit"])


def _require_none(base: Base, folder: Path, problems: list[str]) -> None:
    if problems:
        raise ServeError("; ".join(problem.replace(str(folder), str(base.hub)) for problem in problems))


def _check_disk(config: ServeConfig, base: Base, missing: int) -> None:
    free = shutil.disk_usage(config.data).free - config.limits.free_disk_bytes
    if missing > free:
        raise ServeError(
            f"{base.hub} needs {_size(missing)}, but the disk of the data folder has {_size(max(0, free))} beyond "
            "limits.free_disk_bytes: free some space"
        )


@contextmanager
def _events(config: ServeConfig, base: Base, partial: Path) -> Iterator[Iterator[dict[str, Any]]]:
    """Start the process and yield its events. The process ends with this context, or with the service."""
    python = config.training.python
    command = [python, "-m", PROGRAM, "--repository", base.hub, "--revision", base.revision]
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            process = subprocess.Popen(  # noqa: S603  # the operator's Python
                [*map(str, command), "--folder", str(partial)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                env={**without_secrets(config.secret_variables), **_variable_of_hub()},
                start_new_session=True,
            )
        except OSError as error:
            raise ServeError(f"training.python {python} cannot be run: {error.strerror}") from error
        with process:
            try:
                yield _read(process, output)
            finally:
                _end(process)


def _variable_of_hub() -> dict[str, str]:
    return {HUB_VARIABLE: os.environ[HUB_VARIABLE]} if HUB_VARIABLE in os.environ else {}


def _read(process: subprocess.Popen[str], output: Any) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "error":
            raise ServeError(event["message"])
        yield event
    output.seek(0)
    last = (output.read().strip().splitlines() or ["no message"])[-1]
    is_missing = last.startswith("ModuleNotFoundError")
    remedy = (
        "install the extra `train` for training.python (docs/install.md)" if is_missing else "start again"
    )
    raise ServeError(f"the download ended unexpectedly ({last}): {remedy}")


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_SECONDS_TO_EXIT)
    except subprocess.TimeoutExpired:
        process.kill()


def _size(count: int) -> str:
    return ByteSize(count).human_readable(separator=" ")
