"""The trainer's command line."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_openai_ft.trainer.errors import AttemptError
from pulumi_openai_ft.trainer.failures import explain
from pulumi_openai_ft.trainer.job_folder import JobFolder, LockedError
from pulumi_openai_ft.trainer.offline import OFFLINE
from pulumi_openai_ft.trainer.request import read_request
from pulumi_openai_ft.trainer.stop import StoppedError

if TYPE_CHECKING:
    from pulumi_openai_ft.trainer.plan import Plan
    from pulumi_openai_ft.trainer.request import Request
    from pulumi_openai_ft.trainer.stop import Stop


class ExitCode(IntEnum):
    """How a trainer ended. Any other code is a crash, after which the server starts another attempt."""

    SUCCEEDED = 0
    FAILED = 1  # result.json has the error
    CRASHED = 70
    LOCKED = 73  # another trainer runs in the same job folder
    STOPPED = 75  # by SIGTERM, after saving


Train = Callable[["JobFolder", "Request", "Stop"], "Plan"]
"""A function that trains a job, and returns the plan that was carried out."""


def run(stop: Stop, train: Train) -> int:
    """Train the job of a folder until it ends or is stopped, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_openai_ft.trainer", description="Train a job.")
    parser.add_argument("job_folder", type=Path, help="folder that contains request.json and training.jsonl")
    path = parser.parse_args().job_folder
    if not path.is_dir():
        parser.error(f"{path} is not a folder")
    os.umask(0o077)
    folder = JobFolder(path)
    try:
        with folder.locked():
            return _train_and_report(folder, stop, train)
    except LockedError:
        print(f"another trainer runs in {path}", file=sys.stderr)  # noqa: T201
        return ExitCode.LOCKED
    except AttemptError as error:
        print(error, file=sys.stderr)  # noqa: T201  # the server keeps the trainer's output
        return ExitCode.CRASHED


def _train_and_report(folder: JobFolder, stop: Stop, train: Train) -> ExitCode:
    os.environ.update(OFFLINE)
    # With several GPUs, transformers would split each batch over all of them.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    try:
        _train(folder, stop, train)
    except StoppedError:
        return ExitCode.STOPPED
    except AttemptError:
        raise
    except Exception as error:  # noqa: BLE001  # a fault of the program must not look like a failed job
        return _report(error, folder)
    return ExitCode.SUCCEEDED


def _report(error: Exception, folder: JobFolder) -> ExitCode:
    explained = explain(error)
    if explained is error:
        print(explained, file=sys.stderr)  # noqa: T201  # the server keeps the trainer's output
    else:
        traceback.print_exception(error)
    if explained is None:
        return ExitCode.CRASHED
    try:
        folder.fail(explained)
    except OSError:  # such as a disk that is full in spite of the reserve
        traceback.print_exc()
        return ExitCode.CRASHED
    return ExitCode.FAILED


def _train(folder: JobFolder, stop: Stop, train: Train) -> None:
    stop.check()
    folder.workers.take_over(stop)
    if not folder.request.exists():
        raise StoppedError  # the server withdrew the request while this process was loading
    folder.begin()
    folder.write_progress({"state": "loading"})
    request = read_request(folder.request)
    stop.check()
    plan = train(folder, request, stop)
    folder.succeed(trained_tokens=plan.trained_tokens, steps=folder.published_steps())
