"""Report of a command whose optional packages are not installed."""

from __future__ import annotations

import sys


def report_missing_package(missing: ModuleNotFoundError, command: str, extra: str) -> int:
    """Print which extra a command needs.

    Args:
        missing: The error of the import.
        command: The command, as the user knows it.
        extra: The extra that installs the package.

    Returns:
        The exit code.
    """
    package = str(missing.name).split(".")[0]
    print(
        f"openai-ft: {command} requires the package {package!r}; install the extra `{extra}` (docs/install.md)",
        file=sys.stderr,
    )
    return 1
