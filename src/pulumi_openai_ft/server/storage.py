"""The storage of a service: a directory that it locks while it runs, or memory."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pulumi_openai_ft.server.blobs import Blobs
from pulumi_openai_ft.server.file_lock import try_lock
from pulumi_openai_ft.server.store import SchemaError, Store

if TYPE_CHECKING:
    from collections.abc import Iterator


class StorageError(Exception):
    """The storage cannot be opened. The message contains the next step."""


@contextmanager
def opened(folder: Path | None, choice: str) -> Iterator[tuple[Store, Blobs]]:
    """Open the storage in a directory, or in memory and a temporary directory.

    `choice` names the option or setting that chooses the directory, for errors.

    Raises:
        StorageError: Another server uses the directory, a newer version wrote it, or it is not writable.
    """
    if folder is None:
        with TemporaryDirectory(prefix="openai-ft-") as temporary, closing(Store()) as store:
            yield store, Blobs(Path(temporary), durable=False)
        return
    with _locked(folder, choice), closing(_store(folder, choice)) as store:
        blobs = Blobs(folder / "blobs", durable=True)
        yield store, blobs


@contextmanager
def _locked(folder: Path, choice: str) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise StorageError(
            f"The data directory {folder} is not writable: {error.strerror}. Choose another directory with {choice}."
        ) from error
    with lock:
        try:
            is_locked = try_lock(lock)
        except OSError as error:
            raise StorageError(
                f"The file system of the data directory {folder} refuses locks ({error.strerror}), without which two servers "
                f"could write to it. Choose a directory on a local disk, NFS 4 or CephFS with {choice}."
            ) from error
        if not is_locked:
            raise StorageError(
                f"The data directory {folder} is in use by another server. Stop that server, or choose another directory with {choice}."
            )
        yield


def _store(folder: Path, choice: str) -> Store:
    try:
        return Store(folder / "books.sqlite")
    except (SchemaError, sqlite3.DatabaseError) as error:
        raise StorageError(
            f"The data directory {folder} cannot be used: {error}. Choose another directory with {choice}."
        ) from error
