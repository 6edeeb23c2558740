"""An official Pulumi on PATH, which takes precedence over a built engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import cache
from problem import ProblemError

# The first version with ReadResult.inputs, which the package requires.
OLDEST = (3, 216)


def directory() -> Path | None:
    """Return the folder of an official Pulumi on PATH, or None.

    Raises:
        ProblemError: It is too old, or does not run.
    """
    for folder in os.get_exec_path():
        found = shutil.which("pulumi", path=folder)
        if found and not Path(found).resolve().is_relative_to(cache.root().resolve()):
            _check(Path(found))
            return Path(found).absolute().parent
    return None


def _check(pulumi: Path) -> None:
    printed = _version(pulumi)
    version = re.match(r"v?(\d+)\.(\d+)\.", printed)
    if not version:
        raise ProblemError(
            f"{pulumi} prints {printed!r} instead of its version; repair it, or remove it from PATH and run this command again"
        )
    if (int(version[1]), int(version[2])) < OLDEST:
        required = ".".join(map(str, OLDEST))
        raise ProblemError(
            f"the Pulumi on PATH, {pulumi}, is {printed}, but {required} or newer is required; "
            "upgrade it, or remove it from PATH and run this command again to build an engine"
        )


def _version(pulumi: Path) -> str:
    env = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            [pulumi, "version"], env=env, capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (result.stdout or result.stderr).strip()
