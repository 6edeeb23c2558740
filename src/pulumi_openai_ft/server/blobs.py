"""The contents of files and parts, in a directory. Contents are streamed, never loaded completely into memory."""

from __future__ import annotations

import os
import shutil
from hashlib import md5
from typing import IO, TYPE_CHECKING, BinaryIO

from pulumi_openai_ft.server.ids import alphanumeric

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20
_UNFINISHED = ".unfinished"


class Draft:
    """Content that is being written. It becomes visible with `store`."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._path = folder / f"{alphanumeric(16)}{_UNFINISHED}"
        self._folder = folder
        self._durable = durable
        self._file: IO[bytes] = self._path.open("xb")
        self._md5 = md5(usedforsecurity=False)
        self.bytes: int = 0

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        self._file.write(chunk)
        self._md5.update(chunk)
        self.bytes += len(chunk)

    def append(self, source: BinaryIO) -> None:
        """Append the content of a stream."""
        while chunk := source.read(CHUNK):
            self.write(chunk)

    def store(self, name: str) -> int:
        """Store the content under a name, synced to disk if the directory is durable. Return its size in bytes."""
        self._file.flush()
        if self._durable:
            os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(self._folder / name)
        return self.bytes

    def md5(self) -> str:
        """Return the MD5 checksum of the bytes written so far, in hexadecimal."""
        return self._md5.hexdigest()

    def discard(self) -> None:
        """Delete the content, unless it was stored."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class Blobs:
    """A directory of contents by name.

    Args:
        folder: The directory. It is created if it does not exist.
        durable: Whether the contents must survive the process.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._durable = durable
        for left_over in folder.glob(f"*{_UNFINISHED}"):
            left_over.unlink()

    def draft(self) -> Draft:
        """Return a new draft."""
        return Draft(self.folder, durable=self._durable)

    def path(self, name: str) -> Path:
        """Return the path of a content."""
        return self.folder / name

    def open(self, name: str) -> BinaryIO:
        """Open a content for reading. Raise `FileNotFoundError` if it does not exist."""
        return self.path(name).open("rb")

    def delete(self, name: str) -> None:
        """Delete a content, if it exists."""
        self.path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete all contents."""
        shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
