"""Contents of files: which of them are available, and their copies in the exported project."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.refusals import refuses_content
from pulumi_openai_ft.cli.progress_bar import progress_bar
from pulumi_openai_ft.errors import InputError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft.cli.export.account import DataFile

BLOCK_SIZE = 1 << 20


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
        return f"the service does not return its content (status {error.status})"
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
    with source.open("rb") as content:
        _, digest = _save(iter(lambda: content.read(BLOCK_SIZE), b""), _partial(target), lambda _done: None)
    _partial(target).replace(target)
    return digest


def download(api: Client, file: DataFile, target: Path) -> str:
    """Download a file completely or not at all, and return the SHA-256 of its content.

    Raises:
        InputError: The content does not have the size of the file.
        ServiceError: The service returned an error.
    """
    partial = _partial(target)
    with progress_bar(target.name) as show:
        size, digest = api.content(
            file.id, lambda parts: _save(parts, partial, lambda done: show(done, file.size or done or 1))
        )
    if file.size not in (None, size):
        partial.unlink()
        raise InputError(
            f"{file.description}: the service returned {size:,} bytes; pass a local copy with --content "
            f"{file.id}=PATH"
        )
    partial.replace(target)
    return digest


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, as the provider of `File` computes it."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _save(parts: Iterator[bytes], path: Path, show: Callable[[int], None]) -> tuple[int, str]:
    """Write parts to a file, and return its size and SHA-256."""
    size, digest = 0, hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
            digest.update(part)
            size += len(part)
            show(size)
    return size, digest.hexdigest()
