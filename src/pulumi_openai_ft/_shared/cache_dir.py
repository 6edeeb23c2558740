"""The cache directory of this package, and atomic file writes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

PRIVATE = 0o600


def cache_dir(name: str) -> Path:
    """Return a directory in the user's cache. It may not exist yet."""
    return platformdirs.user_cache_path("pulumi-openai-ft") / name


def write_cache_file(file: Path, content: bytes) -> None:
    """Write a file that only this user can read, and create its directory. Raise `OSError` on failure."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(file, content, PRIVATE)


def atomic_write(path: Path, content: bytes, mode: int) -> None:
    """Write a file completely or not at all. If `path` is a symbolic link, replace the file that it points to."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
