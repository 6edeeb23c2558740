"""Print the environment variables to use this checkout's engine in a shell: `eval "$(make -s env)"`."""

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
    """Return the folder of `pulumi`. If it does not exist, the engine's script prints the next step."""
    script = ROOT / "tools" / "pulumi" / "engine.py"
    found = subprocess.run([sys.executable, script, "where"], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        sys.exit(found.returncode)
    return found.stdout.strip()


def path(bin_folder: str, environment: Path = ROOT / ".venv") -> str:
    """Return PATH, starting with the engine and a virtual environment, without duplicates."""
    first = [bin_folder, str(environment / "bin")]
    rest = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder not in first]
    return os.pathsep.join(first + rest)


def passphrase_file() -> Path:
    """Return the file with this checkout's random passphrase, with which secrets in local stacks are encrypted."""
    file = LOCAL / "passphrase"
    if not file.exists():
        LOCAL.mkdir(exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
    return file


def main() -> None:
    """Print the export commands."""
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
