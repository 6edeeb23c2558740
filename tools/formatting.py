"""Format generated code as `make format` would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def formatted(code: str) -> str:
    """Return Python code in the project's format."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "src/generated.py", "-"]
    done = subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True, check=True)
    return done.stdout.rstrip()
