"""Cache outside of the checkout. Its entries are complete: a folder gets its final name last."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".part"


def root() -> Path:
    """Return the folder of the cache, which may not exist."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification requires that relative paths are ignored.
    base = configured if configured.is_absolute() else Path.home() / ".cache"
    return base / "pulumi-openai-ft"


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder `target`, and create it with `make` if it does not exist.

    `make` fills a temporary folder, which is renamed at the end, so that an interrupted run leaves no partial result.
    """
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _sole_maker(target):
            if not target.is_dir():
                _make(target, make)
    return target


def _make(target: Path, make: Callable[[Path], None]) -> None:
    for left_behind in target.parent.glob(f"{target.name}.*{PARTIAL}"):
        shutil.rmtree(left_behind, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.", suffix=PARTIAL, dir=target.parent))
    try:
        make(partial)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _sole_maker(target: Path) -> Iterator[None]:
    """Hold a lock, which the operating system releases even if the process is killed."""
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process is creating {target}; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
