"""Locks of files and folders between processes, also on different machines. They end with their processes."""

from __future__ import annotations

import fcntl
from typing import IO, Any


def try_lock(file: IO[Any] | int) -> bool:
    """Lock an open file or folder unless another process has locked it. Return whether it is locked.

    Raises:
        OSError: The file system has no locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock(file: IO[Any] | int) -> None:
    """Lock an open file or folder. Wait for other processes.

    Raises:
        OSError: The file system has no locks.
    """
    fcntl.flock(file, fcntl.LOCK_EX)
