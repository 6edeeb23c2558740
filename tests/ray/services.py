"""A running service whose training runs are on a Ray head."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.ray.heads import ADDRESS
from tests.serve.services import STAND_IN, RunningService, config_text, write_base_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ray.heads import Head

TOKEN = "TEST_RAY_TOKEN"
ENGINE = """
[engine]
type = "ray"
address = "{address}"
token_env = "{token}"
python = "{python}"
{more}
"""


def ray_service(folder: Path, head: Head) -> RunningService:
    """Return a service with the stand-in trainer."""
    return service_with(folder, head, write_base_model(folder / "model"), stand_in_python(folder))


def service_with(folder: Path, head: Head, model: Path, python: Path, *, more: str = "") -> RunningService:
    """Return a service with a base model, and a Python on the cluster. `more` is added to `[engine]`."""
    engine = ENGINE.format(address=ADDRESS, token=TOKEN, python=python, more=more)
    (folder / "serve.toml").write_text(config_text(model, python, slots=8) + engine)
    return RunningService(folder, {TOKEN: head.token})


def stand_in_python(folder: Path) -> Path:
    """Write a program that runs the stand-in trainer instead of the trainer, and programs of `-c`."""
    program = folder / "python"
    program.write_text(
        "#!/bin/sh\n"
        f'case "$1" in -c) exec {sys.executable} -I -S "$@" ;; esac\n'
        f'exec {sys.executable} -I -S {STAND_IN} "$@"\n'
    )
    program.chmod(0o755)
    return program
