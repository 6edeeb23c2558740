"""Operating systems that projects can use this package's host on."""

from __future__ import annotations

import os

from pulumi_openai_ft.errors import InputError

WINDOWS = "nt"
"""Value of `os.name` on Windows."""
CURRENT = os.name
"""Value of `os.name` of this machine."""
ON_WINDOWS = (
    "Windows is not supported, because a shell script starts the provider host; install Pulumi, Python and this package "
    "in the Windows Subsystem for Linux (learn.microsoft.com/windows/wsl/install), and run the command there"
)


def require_supported(system: str) -> None:
    """Require an operating system that runs the script that starts the host.

    Args:
        system: Value of `os.name`.

    Raises:
        InputError: The system is Windows.
    """
    if system == WINDOWS:
        raise InputError(ON_WINDOWS)
