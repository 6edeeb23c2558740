"""`make test-pythons` finds the interpreters of a machine, and reports the missing ones."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "pythons.py"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def add_python(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def test_the_versions_are_those_of_the_classifiers() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    printed = run("--list").stdout

    versions = [classifier.rsplit(" ", 1)[1] for classifier in classifiers if "Python :: 3." in classifier]
    assert versions == ["3.11", "3.12", "3.13"]
    assert [line.split(":")[0] for line in printed.splitlines()] == [
        f"Python {version}" for version in versions
    ]


def test_an_interpreter_on_path_precedes_pyenv(tmp_path: Path) -> None:
    expected = add_python(tmp_path / "bin" / "python3.99", "3.99")
    add_python(tmp_path / "pyenv" / "versions" / "3.99.1" / "bin" / "python", "3.99")
    done = run("--list", "3.99", PATH=f"{tmp_path}/bin:/usr/bin:/bin", PYENV_ROOT=f"{tmp_path}/pyenv")

    assert done.stdout == f"Python 3.99: {expected}\n"


def test_a_shim_that_does_not_start_is_passed_over(tmp_path: Path) -> None:
    shim = add_python(tmp_path / "bin" / "python3.99", "3.99")
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    add_python(tmp_path / "pyenv" / "versions" / "3.99.2" / "bin" / "python", "3.99")
    newest = add_python(tmp_path / "pyenv" / "versions" / "3.99.10" / "bin" / "python", "3.99")
    done = run("--list", "3.99", PATH=f"{tmp_path}/bin:/usr/bin:/bin", PYENV_ROOT=f"{tmp_path}/pyenv")

    assert done.stdout == f"Python 3.99: {newest}\n"


def test_a_missing_python_fails_only_if_required(tmp_path: Path) -> None:
    optional = run("3.99", PYENV_ROOT=str(tmp_path))
    required = run("3.99", PYENV_ROOT=str(tmp_path), REQUIRE_PYTHONS="1")

    assert (optional.returncode, optional.stdout) == (0, "Python 3.99: not found\n")
    assert (required.returncode, required.stdout) == (1, "Python 3.99: not found\n")
