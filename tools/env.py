"""Prints what a shell needs to use this checkout's engine: `eval "$(make -s env)"`."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"


def engine() -> str:
    """The folder that holds `pulumi`. The engine's script says what to do where there is none."""
    script = ROOT / "tools" / "pulumi" / "engine.py"
    found = subprocess.run([sys.executable, script, "where"], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        sys.exit(found.returncode)
    return found.stdout.strip()


def path(bin_folder: str, environment: Path = ROOT / ".venv") -> str:
    """Return PATH with the engine and a virtual environment in front, each once."""
    first = [bin_folder, str(environment / "bin")]
    rest = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder not in first]
    return os.pathsep.join(first + rest)


def passphrase_file() -> Path:
    """A passphrase of this checkout's own, so that secrets in its local stacks are really encrypted."""
    file = LOCAL / "passphrase"
    if not file.exists():
        LOCAL.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
    return file


def main() -> None:
    """Writes the export lines."""
    state = LOCAL / "state"
    state.mkdir(parents=True, exist_ok=True)
    exports = {
        "PATH": path(engine()),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase_file()),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
