"""`make test-ray` on a machine without network namespaces."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement
from tests.tools.test_training_env import pins

ROOT = Path(__file__).parents[2]


def run_lane(path: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [sys.executable, ROOT / "tools" / "ray_lane.py", "--version"]
    environment = {"PATH": str(path), "HOME": str(path), "XDG_CACHE_HOME": str(path / "cache")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_namespaces_nothing_is_started(tmp_path: Path) -> None:
    program = tmp_path / "unshare"
    program.write_text("#!/bin/sh\necho 'unshare: Operation not permitted' >&2\nexit 1\n")
    program.chmod(0o755)
    done = run_lane(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "the tests with Ray need network namespaces, which this machine refuses (unshare -rn): Ray was not started\n"
    )
    assert not (tmp_path / "cache").exists()


def test_the_environment_has_the_version_of_the_extra() -> None:
    (line,) = [
        line for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("ray = ")
    ]
    extra = Requirement(line.partition('"')[2].rpartition('"')[0])
    assert pins("requirements-ray.txt")["ray"] in extra.specifier
    assert pins("requirements-ray.txt").keys().isdisjoint(pins("requirements-train.txt"))
