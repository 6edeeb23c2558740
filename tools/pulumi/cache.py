"""The cache outside the checkout: what lies there is complete, for it gets its name last."""

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
    """Return the folder that holds all that is ours; it need not exist."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG rules say that a relative path is to be ignored.
    base = given if given.is_absolute() else Path.home() / ".cache"
    return base / "pulumi-openai-ft"


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Return target, the folder that make filled if there was none.

    Make works in a folder beside it that gets the name in the end, so that a broken-off run leaves nothing.
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
    """Hold the lock that ends with the process, however that ends."""
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process is making {target}; waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
