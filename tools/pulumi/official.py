"""An official Pulumi on PATH, which always wins over an engine of our own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import cache
from problem import ProblemError

# The first with ReadResult.inputs, which the package needs.
OLDEST = (3, 216)


def directory() -> Path | None:
    """Return the folder on PATH that holds an official Pulumi, or None.

    Raises:
        ProblemError: it is too old, or does not run.
    """
    for folder in os.get_exec_path():
        found = shutil.which("pulumi", path=folder)
        if found and not Path(found).resolve().is_relative_to(cache.root().resolve()):
            _check(Path(found))
            return Path(found).absolute().parent
    return None


def _check(pulumi: Path) -> None:
    said = _says(pulumi)
    version = re.match(r"v?(\d+)\.(\d+)\.", said)
    if not version:
        raise ProblemError(
            f"{pulumi} does not tell its version, but says {said!r}: repair it, or take it from PATH and run this again"
        )
    if (int(version[1]), int(version[2])) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise ProblemError(
            f"the Pulumi on PATH, {pulumi}, is {said}, but {needed} or newer is needed: "
            "upgrade it, or take it from PATH and run this again to get one built"
        )


def _says(pulumi: Path) -> str:
    env = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            [pulumi, "version"], env=env, capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (result.stdout or result.stderr).strip()
