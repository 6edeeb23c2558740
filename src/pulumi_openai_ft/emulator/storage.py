"""The storage of an emulator: a directory that it locks while it runs, or memory."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pulumi_openai_ft.emulator.blobs import Blobs
from pulumi_openai_ft.emulator.store import SchemaError, Store

if TYPE_CHECKING:
    from collections.abc import Iterator


class EmulatorError(Exception):
    """The emulator cannot start, or is not running. The message contains the next step."""


@contextmanager
def opened(folder: Path | None) -> Iterator[tuple[Store, Blobs]]:
    """Open the storage in a directory, or in memory and a temporary directory.

    Raises:
        EmulatorError: Another emulator uses the directory, it has another version, or it is not writable.
    """
    if folder is None:
        with TemporaryDirectory(prefix="openai-ft-emulator-") as temporary, closing(Store()) as store:
            yield store, Blobs(Path(temporary), durable=False)
        return
    with _locked(folder), closing(_store(folder)) as store:
        blobs = Blobs(folder / "blobs", durable=True)
        yield store, blobs


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise EmulatorError(
            f"The data directory {folder} is not writable: {error.strerror}. Choose another directory with --data."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EmulatorError(
                f"The data directory {folder} is in use by another emulator. Stop that emulator, or choose another "
                "directory with --data."
            ) from error
        yield


def _store(folder: Path) -> Store:
    try:
        return Store(folder / "books.sqlite")
    except (SchemaError, sqlite3.DatabaseError) as error:
        raise EmulatorError(
            f"The data directory {folder} cannot be used: {error}. Choose another directory with --data, or delete it."
        ) from error
