"""Install Pulumi's package of Azure in the cache, and print the folder for PYTHONPATH.

It takes 160 MB, so `make setup` does not install it. All checkouts with the same `requirements-azure.txt` share it. It
needs Pulumi's SDK, which comes from the virtual environment of the checkout.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools" / "pulumi"))  # the folder of the cache's modules, which run as scripts too

import cache  # noqa: E402
import progress  # noqa: E402
from problem import exit_code  # noqa: E402

REQUIREMENTS = ROOT / "requirements-azure.txt"
INSTALL_SECONDS = 60


def ensure() -> Path:
    """Return the folder of the package. Install it if it does not exist."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes())
    return cache.made_once(cache.root() / f"azure-native-{digest.hexdigest()[:16]}", _install)


def _install(folder: Path) -> None:
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    place = progress.Workplace(folder.with_suffix(".log"), ROOT, os.environ)
    place.run(
        progress.Step(
            "installing pulumi-azure-native (160 MB), once per machine",
            INSTALL_SECONDS,
            [*pip, "--no-deps", "--no-compile", "--target", folder, "--requirement", REQUIREMENTS],
        )
    )
    place.log.unlink()


def main() -> int:
    """Print the folder of the package."""
    print(ensure())
    return 0


if __name__ == "__main__":
    sys.exit(exit_code("pulumi-azure-native", main))
