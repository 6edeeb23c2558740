"""training_env.py as a user runs it, with its own cache and a small list of requirements."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(400)  # venv takes long on a busy machine
NEXT_STEP = "training environment: the training environment does not exist yet; run make training-env\n"


class Checkout:
    """A checkout with only the tools, and its own cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache" / "pulumi-openai-ft"
        shutil.copytree(ROOT / "tools" / "pulumi", folder / "tools" / "pulumi")
        shutil.copy(ROOT / "tools" / "training_env.py", folder / "tools")
        self.require("# nothing")

    def require(self, text: str) -> None:
        (self.folder / "requirements-train.txt").write_text(f"{text}\n")

    def start(self, command: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.cache.parent), "PIP_NO_INDEX": "1"}
        return subprocess.Popen(
            [sys.executable, "tools/training_env.py", command],
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, command: str) -> tuple[int, str, str]:
        with self.start(command) as process:
            output, errors = process.communicate()
        return process.returncode, output.strip(), errors


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    found = (re.match(r"([\w.-]+)==(\S+)", line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


@pytest.mark.long
def test_concurrent_callers_make_one_environment(checkout: Checkout) -> None:
    assert checkout.run("where") == (1, "", NEXT_STEP)

    with checkout.start("ensure") as one, checkout.start("ensure") as other:
        printed = [process.communicate() for process in (one, other)]

    assert (one.returncode, other.returncode) == (0, 0), printed
    (python,) = {output.strip() for output, _ in printed}
    assert sum("creating the virtual environment" in errors for _, errors in printed) == 1
    assert sum("another process is creating" in errors for _, errors in printed) <= 1
    assert checkout.run("where") == (0, python, "")
    pip = Path(python).with_name("pip")
    assert python in pip.read_text(), "scripts have the environment's final name"
    assert ".part" not in pip.read_text()
    checkout.require("# other versions")
    assert checkout.run("where") == (1, "", NEXT_STEP)


@pytest.mark.long
def test_a_failed_installation_leaves_nothing(checkout: Checkout) -> None:
    checkout.require("no-such-package==1")

    code, output, errors = checkout.run("ensure")

    assert (code, output) == (1, "")
    assert "installing torch, transformers, peft and trl (6 GB), once per machine failed" in errors
    assert "No matching distribution found for no-such-package==1" in errors
    assert [path.suffix for path in sorted(checkout.cache.iterdir())] == [".lock", ".log"]


def test_a_small_disk_is_refused_first(checkout: Checkout) -> None:
    mount = "mkdir cache && mount -t tmpfs -o size=10m tmpfs cache && "
    run = f"XDG_CACHE_HOME={checkout.cache.parent} {sys.executable} tools/training_env.py ensure"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount + run]
    if subprocess.run([*command[:3], "true"], check=False).returncode:
        pytest.skip("this machine does not allow mounts in a namespace")

    refused = subprocess.run(command, cwd=checkout.folder, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    assert refused.stderr == (
        f"training environment: the training environment needs 8 GB, but {checkout.cache} has only 0.0 GB free; "
        "free some space, or set XDG_CACHE_HOME to a folder on another disk\n"
    )


def test_the_pins_satisfy_all_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    for elsewhere in ("look", "ray", "report"):  # run in other environments
        del extras[elsewhere]
    groups = [
        project["project"]["dependencies"],
        *extras.values(),
        project["dependency-groups"]["train-test"],
    ]
    required = [Requirement(text) for group in groups for text in group]
    installed = pins("requirements-train.txt")

    assert {"torch", "wandb", "openai"} <= {requirement.name for requirement in required}
    for requirement in required:
        version = installed[requirement.name.lower().replace("_", "-")]
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_the_pins_agree_with_the_development_environment() -> None:
    development, training = pins("constraints.txt"), pins("requirements-train.txt")

    common = development.keys() & training.keys()
    assert {"openai", "pytest", "pulumi"} <= common
    assert {name: training[name] for name in common} == {name: development[name] for name in common}
