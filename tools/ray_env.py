"""Create the Ray environment in the cache: Ray on top of the training environment, whose packages it uses.

It needs 0.3 GB in addition to the training environment.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))

import training_env
from training_env import ROOT, interpreter

sys.path.append(str(ROOT / "tools" / "pulumi"))  # the folder of the cache's modules, which run as scripts too

import cache
import progress
from problem import ProblemError, exit_code

REQUIREMENTS = ROOT / "requirements-ray.txt"
INSTALL_SECONDS = 130


def target() -> Path:
    """Return the folder of the environment. It may not exist."""
    digest = hashlib.sha256(training_env.target().name.encode() + REQUIREMENTS.read_bytes())
    return cache.root() / f"ray-{digest.hexdigest()[:16]}"


def ensure() -> Path:
    """Return the environment's Python. Create the environment, and the training environment, if it does not exist."""
    training_env.ensure()
    return interpreter(cache.made_once(target(), _make))


def where() -> Path:
    """Return the environment's Python. Fail if the environment does not exist."""
    if not target().is_dir():
        raise ProblemError("the Ray environment does not exist yet; run make test-ray")
    return interpreter(target())


def _make(folder: Path) -> None:
    log = target().with_suffix(".log")
    log.unlink(missing_ok=True)
    place = progress.Workplace(log, ROOT, os.environ)
    venv: list[str | Path] = [sys.executable, "-m", "venv", folder]
    place.run(progress.Step("creating the virtual environment of Ray", 10, venv))
    training = _site_packages(interpreter(training_env.target()))
    (_site_packages(interpreter(folder)) / "training.pth").write_text(f"{training}\n")
    pip: list[str | Path] = [
        interpreter(folder),
        "-m",
        "pip",
        "install",
        "--progress-bar",
        "off",
        "--no-deps",
    ]
    place.run(
        progress.Step(
            "installing Ray (0.3 GB), once per machine",
            INSTALL_SECONDS,
            [*pip, "--requirement", REQUIREMENTS],
        )
    )
    training_env.move_scripts(folder, target())


def _site_packages(python: Path) -> Path:
    command: list[str | Path] = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


COMMANDS = {"ensure": ensure, "where": where}


def main() -> int:
    """Print the environment's Python, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS, help="ensure creates the environment if necessary")
    find = COMMANDS[parser.parse_args().command]

    def show() -> int:
        print(find())
        return 0

    return exit_code("Ray environment", show)


if __name__ == "__main__":
    sys.exit(main())
