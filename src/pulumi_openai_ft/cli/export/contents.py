"""Contents of files: which of them are available, and their copies in the exported project."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.refusals import refuses_content
from pulumi_openai_ft.cli.look.text import one_line
from pulumi_openai_ft.cli.progress_bar import progress_bar
from pulumi_openai_ft.errors import InputError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft.cli.export.account import DataFile

OVERLAP = 1 << 16
"""Bytes at the end of a partial file that are downloaded again."""


def refusal(api: Client, file: DataFile) -> str | None:
    """Return the reason why the service does not return a file's content, or None. Only its beginning is requested.

    Raises:
        ServiceError: The service returned another error.
    """
    if not file.exists:
        return "deleted from the service"
    try:
        api.content(file.id, lambda parts: next(parts, b""))
    except ServiceError as error:
        if not refuses_content(error):
            raise
        details = ", ".join(filter(None, (one_line(error.reason).rstrip("."), f"status {error.status}")))
        return f"the service does not return it ({details})"
    return None


def require_copies(copies: Mapping[str, Path], files: Iterable[DataFile]) -> None:
    """Require that local copies belong to files of the jobs, and have their sizes.

    Raises:
        InputError: A copy is invalid.
    """
    by_id = {file.id: file for file in files}
    for id_, path in copies.items():
        if id_ not in by_id:
            known = ", ".join(by_id)
            raise InputError(f"--content {id_}={path}: {id_} is not a file of these jobs ({known})")
        if not path.is_file():
            raise InputError(f"--content {id_}={path}: {path} is not a file; pass the path of a local copy")
        size, expected = path.stat().st_size, by_id[id_].size
        if expected not in (None, size):
            raise InputError(
                f"--content {id_}={path}: it has {size:,} bytes, but {by_id[id_].description} was uploaded; pass a copy "
                f"of the uploaded content"
            )


def copy(source: Path, target: Path) -> str:
    """Copy a local file completely or not at all, and return the SHA-256 of its content."""
    partial = target.with_name(f".{target.name}.copy")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, partial)
    partial.replace(target)
    return sha256(target)


def download(api: Client, file: DataFile, target: Path) -> str:
    """Download a file completely or not at all, and return the SHA-256 of its content.

    A download that was interrupted continues where it stopped, if the service supports it.

    Raises:
        InputError: The content does not have the size of the file.
        ServiceError: The service returned an error.
    """
    partial = target.with_name(f".{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar(target.name) as show:

        def save(position: int, parts: Iterator[bytes]) -> None:
            _write(partial, position, parts, lambda done: show(done, file.size or done or 1))

        api.content_from(file.id, lambda: _position(partial, file.size), save)
    size = partial.stat().st_size
    if file.size not in (None, size):
        partial.unlink()
        raise InputError(
            f"{file.description}: the service returned {size:,} bytes; pass a local copy with --content "
            f"{file.id}=PATH"
        )
    partial.replace(target)
    return sha256(target)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, as the provider of `File` computes it."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _position(partial: Path, size: int | None) -> int:
    """Return the position from which a partial file continues. Its last block may be damaged, so it is repeated."""
    if size is None or not partial.is_file():
        return 0
    return max(0, min(partial.stat().st_size, size) - OVERLAP)


def _write(partial: Path, position: int, parts: Iterator[bytes], show: Callable[[int], None]) -> None:
    """Write parts to a file from a position on, and remove the rest of its content."""
    with partial.open("r+b" if position else "wb") as file:
        file.seek(position)
        file.truncate()
        for part in parts:
            file.write(part)
            show(file.tell())
