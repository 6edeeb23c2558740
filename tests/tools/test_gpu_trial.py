"""`tools/gpu_trial.py` packs what the service and the trainer import."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import gpu_trial

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FROM_THE_MACHINE = {"torch"}


def names(requirements: list[str]) -> set[str]:
    return {
        re.split(r"[<>=\[ ]", line)[0].lower().replace("_", "-").replace(".", "-") for line in requirements
    }


@pytest.mark.parametrize("extra", ["serve", "train"])
def test_all_requirements_of_an_extra_are_packed(extra: str) -> None:
    assert names(PROJECT["optional-dependencies"][extra]) - names(gpu_trial.packed()) <= FROM_THE_MACHINE


def test_all_requirements_but_pulumi_are_packed() -> None:
    assert names(PROJECT["dependencies"]) - names(gpu_trial.packed()) == {"pulumi"}


def test_a_folder_without_wheels_is_an_error(tmp_path: Path) -> None:
    command = [sys.executable, gpu_trial.__file__, "run", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"GPU trial: {tmp_path} contains no wheels: run ")
