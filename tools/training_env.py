"""Create the training environment: torch, transformers, peft, trl and the tools of their tests, in the cache.

All checkouts with the same `requirements-train.txt` share one environment. It does not contain this package, which comes
from the checkout through PYTHONPATH.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools" / "pulumi"))  # the folder of the cache's modules, which run as scripts too

import cache  # noqa: E402
import progress  # noqa: E402
from problem import ProblemError, exit_code  # noqa: E402

REQUIREMENTS = ROOT / "requirements-train.txt"
NEEDED_BYTES = 8 * 10**9
INSTALL_SECONDS = 320


def target() -> Path:
    """Return the folder of the environment for this Python. It may not exist."""
    python = f"{platform.python_version()} {platform.system()} {platform.machine()}"
    digest = hashlib.sha256(python.encode() + REQUIREMENTS.read_bytes())
    return cache.root() / f"training-{digest.hexdigest()[:16]}"


def ensure() -> Path:
    """Return the environment's Python. Create the environment if it does not exist."""
    return interpreter(cache.made_once(target(), _make))


def where() -> Path:
    """Return the environment's Python. Fail if the environment does not exist."""
    if not target().is_dir():
        raise ProblemError("the training environment does not exist yet; run make training-env")
    return interpreter(target())


def interpreter(environment: Path) -> Path:
    """Return the path of the Python in a virtual environment."""
    return environment / "bin" / "python"


def _make(folder: Path) -> None:
    _check_space(folder)
    log = target().with_suffix(".log")
    log.unlink(missing_ok=True)
    place = progress.Workplace(log, ROOT, os.environ)
    venv: list[str | Path] = [sys.executable, "-m", "venv", folder]
    place.run(progress.Step("creating the virtual environment", 10, venv))
    pip: list[str | Path] = [interpreter(folder), "-m", "pip"]
    place.run(
        progress.Step(
            "installing torch, transformers, peft and trl (6 GB), once per machine",
            INSTALL_SECONDS,
            [*pip, "install", "--progress-bar", "off", "--requirement", REQUIREMENTS],
            item=re.compile(r"Collecting (\S+)"),
            unit="packages",
            total=sum("==" in line for line in REQUIREMENTS.read_text().splitlines()),
        )
    )
    move_scripts(folder, target())


def _check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise ProblemError(
            f"the training environment needs {NEEDED_BYTES / 1e9:.0f} GB, but {cache.root()} has only "
            f"{free / 1e9:.1f} GB free; free some space, or set XDG_CACHE_HOME to a folder on another disk"
        )


def move_scripts(old: Path, new: Path) -> None:
    """Rewrite the scripts of the environment, whose first lines contain its folder, before it gets its final name."""
    for script in (old / "bin").iterdir():
        content = script.read_bytes()
        if script.is_file() and not script.is_symlink() and bytes(old) in content:
            script.write_bytes(content.replace(bytes(old), bytes(new)))


COMMANDS = {"ensure": ensure, "where": where}


def main() -> int:
    """Print the environment's Python, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"The environment is in {cache.root()}; you can remove this folder at any time.",
    )
    parser.add_argument("command", choices=COMMANDS, help="ensure creates the environment if necessary")
    find = COMMANDS[parser.parse_args().command]

    def show() -> int:
        print(find())
        return 0

    return exit_code("training environment", show)


if __name__ == "__main__":
    sys.exit(main())
