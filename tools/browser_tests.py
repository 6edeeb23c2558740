"""Run the tests in a browser: from PATH, or from Debian's packages if this user may install them.

Without a browser, the tests are skipped. With REQUIRE_BROWSER=1, a missing browser is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from env import ROOT
from headless_browser import PACKAGES, browser_path

INSTALL = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--constraint",
    "constraints.txt",
]


def main() -> int:
    """Run the tests and return the exit code."""
    if browser_path() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install_browser()
    if browser_path() is None:
        print(f"The tests in a browser are skipped: install {' and '.join(PACKAGES)}, or put both on PATH.")
        return int(os.environ.get("REQUIRE_BROWSER") == "1")
    subprocess.run([sys.executable, *INSTALL, "--group", "browser"], cwd=ROOT, check=True)
    tests = [sys.executable, "-m", "pytest", "-q", "-m", "browser", "tests/browser", *sys.argv[1:]]
    return subprocess.run(tests, cwd=ROOT, check=False).returncode


def _install_browser() -> None:
    """Install Debian's packages. If this fails, the reason is printed by apt-get."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        subprocess.run(
            ["apt-get", "--quiet=2", *command], env=environment, stdout=subprocess.DEVNULL, check=False
        )


if __name__ == "__main__":
    sys.exit(main())
