"""Content of local files, assets and archives, as read by a Pulumi program."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file
from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = 8 * 2**20
"""Size in bytes above which hashes are cached. Hashing a smaller file is faster than importing the cache."""
STRINGS_TTL = 24 * 3600.0
"""Seconds for which the content of a `StringAsset` is kept on this machine."""
_training_data = LazyModule("training_data")


def file_sha256(path: str) -> str | None:
    """Return the SHA-256 of a regular file, or None if it cannot be read."""
    try:
        status = os.stat(path)  # noqa: PTH116 - the path as the program wrote it
        if not stat.S_ISREG(status.st_mode):  # a device or a pipe may be endless
            return None
        if status.st_size > LARGE:
            found: str = _training_data.sha256(path)
            return found
        with open(path, "rb") as content:  # noqa: PTH123 - see above
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError, InputError):
        return None


def content_sha256(asset: pulumi.Asset | pulumi.Archive) -> str:
    """Return the SHA-256 of an asset's content, or of the names and contents in an archive.

    Raises:
        InputError: The content is not on this machine, or it cannot be read.
    """
    if isinstance(asset, pulumi.StringAsset):
        return hashlib.sha256(asset.text.encode()).hexdigest()
    if isinstance(asset, pulumi.FileAsset):
        return _required_sha256(asset.path)
    if isinstance(asset, pulumi.FileArchive) and not os.path.isdir(asset.path):  # noqa: PTH112 - see above
        return _required_sha256(asset.path)
    listed = "".join(f"{digest} {name}\n" for name, digest in sorted(_members(asset)))
    return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()


def string_file(text: str) -> str:
    """Write the content of a `StringAsset` to a file that only this user can read, and return its path.

    The path depends only on the content, so that it is the same in a preview and in the update that follows.

    Raises:
        InputError: The file cannot be written.
    """
    content = text.encode()
    file = cache_dir("strings") / hashlib.sha256(content).hexdigest()
    try:
        _drop_old(file.parent)
        write_cache_file(file, content)
    except OSError as error:
        raise InputError(
            f"is a StringAsset, and its content cannot be written to {str(file)!r} ({error.strerror}): "
            f"set XDG_CACHE_HOME to a directory that you can write to"
        ) from error
    return str(file)


def _drop_old(folder: Path) -> None:
    oldest = REAL_TIME.wall() - STRINGS_TTL
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)


def _members(archive: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the SHA-256 of each file in an archive."""
    if isinstance(archive, pulumi.AssetArchive):
        for name, part in archive.assets.items():
            yield name, content_sha256(part)
    elif isinstance(archive, pulumi.FileArchive):
        root = Path(archive.path)
        for path in root.rglob("*"):
            if path.is_file():
                yield path.relative_to(root).as_posix(), _required_sha256(str(path))
    else:
        raise InputError(
            f"is a {type(archive).__name__}, whose content is not on this machine: download it, and pass a "
            f"{'FileArchive' if isinstance(archive, pulumi.Archive) else 'FileAsset'}"
        )


def _required_sha256(path: str) -> str:
    if found := file_sha256(path):
        return found
    raise InputError("is an asset or archive whose file cannot be read: check the path")
