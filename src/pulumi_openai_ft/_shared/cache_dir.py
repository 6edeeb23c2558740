"""Files of ours on the user's disk: where things are remembered, and how a file is written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

PRIVATE = 0o600


def cache_dir(what: str) -> Path:
    """The folder in the user's cache where things of a kind are remembered. Nobody may have made it yet."""
    return platformdirs.user_cache_path("pulumi-openai-ft") / what


def write_cache_file(file: Path, content: bytes) -> None:
    """Writes a file into such a folder, for this user alone. Raises `OSError` where that cannot be done."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(file, content, PRIVATE)


def atomic_write(path: Path, content: bytes, mode: int) -> None:
    """Writes a file as a whole or not at all. Where `path` is a link, it stays one."""
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
