"""Run the unit tests and the demo on each supported Python version that is installed on this machine.

Interpreters are searched on PATH and in pyenv. With REQUIRE_PYTHONS=1, a missing interpreter is an error.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from env import LOCAL, ROOT

INSTALL = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--constraint",
    "constraints.txt",
]
PACKAGE = ["--editable", ".[emulator,look,policies,report,serve,tokens]", "--group", "dev"]
TESTS = ["-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-m", "not e2e and not long and not browser"]


def supported() -> list[str]:
    """Return the Python versions in the package's classifiers, such as `3.12`."""
    text = (ROOT / "pyproject.toml").read_text()
    classifiers = tomllib.loads(text)["project"]["classifiers"]
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", one) for one in classifiers)
    return [match[1] for match in found if match]


def interpreter(version: str) -> Path | None:
    """Return a working interpreter of a version: from PATH, or the newest in pyenv."""
    on_path = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python"), key=_patch, reverse=True)
    for candidate in [*([Path(on_path)] if on_path else []), *installed]:
        command: list[str | Path] = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        if printed == version:
            return candidate
    return None


def _patch(python: Path) -> int:
    match = re.search(r"versions/3\.\d+\.(\d+)", str(python))
    return int(match[1]) if match else -1


def try_on(version: str, python: Path) -> None:
    """Install the package for a Python, run the tests and the demo, and raise CalledProcessError if a step fails."""
    environment = LOCAL / "pythons" / version
    inside = environment / "bin" / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", environment], cwd=ROOT, check=True)
    subprocess.run([inside, *INSTALL, "--upgrade", "pip"], cwd=ROOT, check=True)
    subprocess.run([inside, *INSTALL, *PACKAGE], cwd=ROOT, check=True)
    subprocess.run([inside, *TESTS], cwd=ROOT, check=True)
    demo: list[str | Path] = [inside, "tools/demo.py", "--folder", LOCAL / "pythons" / f"demo-{version}"]
    subprocess.run(demo, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Print a result for each version, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "versions",
        nargs="*",
        default=supported(),
        help="versions such as 3.12 (default: all supported versions)",
    )
    parser.add_argument("--list", action="store_true", help="only print the interpreters")
    arguments = parser.parse_args()
    results: dict[str, str] = {}
    for version in arguments.versions:
        python, started = interpreter(version), time.monotonic()
        if python is None:
            results[version] = "not found"
            continue
        if arguments.list:
            results[version] = str(python)
            continue
        print(f"Python {version}: {python}", flush=True)
        try:
            try_on(version, python)
            results[version] = f"passed in {time.monotonic() - started:.0f} s"
        except subprocess.CalledProcessError as error:
            results[version] = f"failed: {error}"
        except KeyboardInterrupt:
            return 130
    for version, result in results.items():
        print(f"Python {version}: {result}")
    not_found = any(result == "not found" for result in results.values())
    failed = any(result.startswith("failed") for result in results.values())
    return int(failed or (not_found and os.environ.get("REQUIRE_PYTHONS") == "1"))


if __name__ == "__main__":
    sys.exit(main())
