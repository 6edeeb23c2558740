"""Where one emulator keeps its books: a folder that is its own while it runs, or memory."""

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
    """The emulator cannot start: its port or its data folder is in use or not fit. The message says what to do."""


@contextmanager
def opened(folder: Path | None) -> Iterator[tuple[Store, Blobs]]:
    """Opens the books in a folder, for good, or without one in memory and a temporary folder.

    Raises EmulatorError where the folder is another emulator's, of another version, or cannot be written.
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
            f"The data folder {folder} cannot be written: {error.strerror}. Name another one with --data."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EmulatorError(
                f"The data folder {folder} is in use by another emulator. Stop that one, or name another folder "
                "with --data."
            ) from error
        yield


def _store(folder: Path) -> Store:
    try:
        return Store(folder / "books.sqlite")
    except (SchemaError, sqlite3.DatabaseError) as error:
        raise EmulatorError(
            f"The data folder {folder} cannot be used: {error}. Name another one with --data, or delete it."
        ) from error
