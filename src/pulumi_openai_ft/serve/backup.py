"""Back up and restore the data folder.

A backup can be made while the service runs. The databases are copied through SQLite's backup API. All other files are
written once, appended to, or replaced as a whole, so that a hard link is a copy. They are linked before and after the
databases are copied: each file that a database names exists before or after. Files that were added in the meantime are
like the leftovers of a crash, which the service handles.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.serve.weights import DOWNLOADS
from pulumi_openai_ft.server.file_lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "backup.json"
SCHEMA = 1
_CONTENT = "data"
_STAGING_PREFIX = ".backup-"
_OF_PROCESSES = frozenset({"lock", "workers.lock", "process.json"})
"""Files about running processes. A restored service must not take them for its own."""


def back_up(data: Path, target: Path) -> int:
    """Write a data folder to a tar file that only its owner can read. Return the file's size in bytes.

    Raises:
        ServeError: The folder does not exist, the file exists or cannot be written.
    """
    if not data.is_dir():
        raise ServeError(f"the data folder {data} does not exist: there is nothing to back up")
    if target.exists():
        raise ServeError(f"{target} already exists: choose another file")
    if target.resolve().is_relative_to(data.resolve()):
        raise ServeError(
            f"{target} is in the data folder, so that later backups would contain it: choose another folder"
        )
    draft = target.with_name(f"{target.name}.partial")
    try:
        with _only_backup(data), _staged(data) as copy:
            _write_tar(copy, draft)
        draft.replace(target)
    except (OSError, sqlite3.Error, tarfile.TarError) as error:
        raise ServeError(f"the backup failed: {_reason(error)}") from error
    finally:
        draft.unlink(missing_ok=True)
    return target.stat().st_size


def restore(source: Path, data: Path) -> None:
    """Restore a backup to a data folder that does not exist or is empty.

    Raises:
        ServeError: The file is not a backup or is damaged, or the data folder is not empty.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise ServeError(f"the data folder {data} is not empty: move it away first, so that nothing is lost")
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=f"{data.name}.restore-", dir=data.parent))
        try:
            _extract(source, folder)
            _check_databases(folder / _CONTENT)
            (folder / _CONTENT).replace(data)
        finally:
            rmtree(folder)
    except (OSError, EOFError, sqlite3.Error, tarfile.TarError) as error:
        raise ServeError(f"{source} cannot be restored: {_reason(error)}") from error


@contextmanager
def _only_backup(data: Path) -> Iterator[None]:
    """Refuse a second backup at the same time, which would remove the first copy as a leftover."""
    folder = os.open(data, os.O_RDONLY)
    try:
        _lock_for_backup(folder, data)
        yield
    finally:
        os.close(folder)


def _lock_for_backup(folder: int, data: Path) -> None:
    try:
        is_locked = try_lock(folder)
    except OSError as error:
        raise ServeError(
            f"the file system of {data} refuses locks ({error.strerror}): stop the service, and copy the folder instead"
        ) from error
    if not is_locked:
        raise ServeError(f"another backup of {data} is running: wait until it has finished")


@contextmanager
def _staged(data: Path) -> Iterator[Path]:
    """Make a consistent copy of a data folder inside of it, and remove the copy in the end."""
    for leftover in data.glob(f"{_STAGING_PREFIX}*"):  # of a command that was killed
        rmtree(leftover)
    copy = Path(mkdtemp(prefix=_STAGING_PREFIX, dir=data))
    try:
        _link_missing(data, copy)
        for database in sorted(data.glob("*.sqlite")):
            _copy_database(database, copy / database.name)
        _link_missing(data, copy)
        yield copy
    finally:
        rmtree(copy)


def _link_missing(data: Path, copy: Path) -> None:
    for folder, folders, files in os.walk(data, onerror=_raise):
        inner = Path(folder).relative_to(data)
        folders[:] = [name for name in folders if not _is_omitted_folder(inner, name)]
        (copy / inner).mkdir(mode=0o700, exist_ok=True)
        for name in files:
            if not _is_omitted(inner, name):
                _link(Path(folder, name), copy / inner / name)


def _raise(error: OSError) -> None:
    """Raise an error of `os.walk`, unless the folder was removed after it was listed."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _link(source: Path, target: Path) -> None:
    with suppress(FileExistsError, FileNotFoundError):  # linked before, or removed after it was listed
        os.link(source, target, follow_symlinks=False)


def _is_omitted_folder(folder: Path, name: str) -> bool:
    is_download = folder == Path() and name == DOWNLOADS
    return is_download or name.startswith(_STAGING_PREFIX)


def _is_omitted(folder: Path, name: str) -> bool:
    of_database = folder == Path() and ".sqlite" in name
    return of_database or name in _OF_PROCESSES


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)


def _write_tar(copy: Path, draft: Path) -> None:
    manifest = json.dumps(
        {"schema": SCHEMA, "created": datetime.now(UTC).isoformat(timespec="seconds")}
    ).encode()
    entry = tarfile.TarInfo(MANIFEST)
    entry.size = len(manifest)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(manifest))
        archive.add(copy, _CONTENT)
        archive.close()
        file.flush()
        os.fsync(file.fileno())


def _extract(source: Path, folder: Path) -> None:
    with tarfile.open(source, "r:") as archive:
        schema = _schema(archive)
        if schema is None:
            raise ServeError(f"{source} is not a backup of `openai-ft serve backup`")
        if schema != SCHEMA:
            raise ServeError(f"{source} is a backup of another version (schema {schema}, not {SCHEMA})")
        before = os.umask(0o077)
        try:
            archive.extractall(folder, filter="data")
        finally:
            os.umask(before)


def _schema(archive: tarfile.TarFile) -> object:
    """Return the version of a backup, or None if the archive is not a backup."""
    first = archive.next()
    content = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
    try:
        found = json.load(content) if content else None
    except ValueError:
        found = None
    return found.get("schema") if isinstance(found, dict) else None


def _check_databases(data: Path) -> None:
    for path in data.glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise ServeError(f"the backup's {path.name} is damaged: {found}; use another backup")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
