"""Type checkers, run on a folder of programs as a user runs them.

Missing modules are no errors: some examples import packages that are not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """An error in a program, with its line from 1."""

    file: str
    line: int
    message: str


def mypy(folder: Path, cache: Path) -> list[Finding]:
    """Return the errors that mypy finds. The cache saves most of the time of a later run."""
    options = [
        "--check-untyped-defs",
        "--config-file=",
        "--disable-error-code=import-not-found",
        f"--cache-dir={cache}",
        "--output=json",
    ]
    done = _run([sys.executable, "-m", "mypy", *options, "."], folder)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert (done.returncode, done.stderr) == (int(bool(rows)), "")
    return [Finding(row["file"], row["line"], row["message"]) for row in rows if row["severity"] == "error"]


def pyright(folder: Path, _cache: Path) -> list[Finding]:
    """Return the errors that pyright finds."""
    (folder / "pyrightconfig.json").write_text(json.dumps({"reportMissingImports": False}))
    done = _run(["pyright", "--outputjson", "--pythonpath", sys.executable, "."], folder)
    rows = json.loads(done.stdout)["generalDiagnostics"]
    return [
        Finding(os.path.relpath(row["file"], folder), row["range"]["start"]["line"] + 1, row["message"])
        for row in rows
        if row["severity"] == "error"
    ]


CHECKERS: dict[str, Callable[[Path, Path], list[Finding]]] = {"mypy": mypy, "pyright": pyright}


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
