"""Locks of files between processes, also on different machines. They end with their processes."""

from __future__ import annotations

import fcntl
from typing import IO, TYPE_CHECKING, Any

from pulumi_openai_ft.trainer.errors import AttemptError

if TYPE_CHECKING:
    from pathlib import Path


def try_lock(file: IO[Any], folder: Path, *, shared: bool = False) -> bool:
    """Lock an open file unless the lock of another process excludes that. Return whether it is locked.

    Args:
        file: The file.
        folder: Folder of the file, for the error.
        shared: Whether several processes may have the lock.

    Raises:
        AttemptError: The file system has no locks.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise AttemptError(
            f"The file system of {folder} refuses locks ({error.strerror}), without which two trainers could write to one "
            "job: move the service's data folder to a file system with flock, such as a local disk, NFS 4 or CephFS."
        ) from error
    return True
