"""The bytes of files and parts, in a folder; nothing is ever held in memory as a whole."""

from __future__ import annotations

import os
import shutil
from hashlib import md5
from typing import IO, TYPE_CHECKING, BinaryIO

from pulumi_openai_ft.emulator.ids import alphanumeric

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20
_UNFINISHED = ".unfinished"


class Draft:
    """Bytes on their way in; nothing of them is visible before `keep`."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self._path = folder / f"{alphanumeric(16)}{_UNFINISHED}"
        self._folder = folder
        self._durable = durable
        self._file: IO[bytes] = self._path.open("xb")
        self._md5 = md5(usedforsecurity=False)
        self.bytes = 0

    def write(self, chunk: bytes) -> None:
        """Adds bytes at the end."""
        self._file.write(chunk)
        self._md5.update(chunk)
        self.bytes += len(chunk)

    def append(self, source: BinaryIO) -> None:
        """Adds all that a stream holds."""
        while chunk := source.read(CHUNK):
            self.write(chunk)

    def store(self, name: str) -> int:
        """Puts the bytes in place under a name, synced where the folder is to last; returns how many they are."""
        self._file.flush()
        if self._durable:
            os.fsync(self._file.fileno())
        self._file.close()
        self._path.rename(self._folder / name)
        return self.bytes

    def md5(self) -> str:
        """The checksum of what was written so far, in hex."""
        return self._md5.hexdigest()

    def discard(self) -> None:
        """Throws the bytes away, unless they were kept."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class Blobs:
    """A folder of named bytes. `durable` says that it must survive the process."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._durable = durable
        for left_over in folder.glob(f"*{_UNFINISHED}"):
            left_over.unlink()

    def draft(self) -> Draft:
        """Begins new bytes."""
        return Draft(self.folder, durable=self._durable)

    def path(self, name: str) -> Path:
        """Where the bytes lie."""
        return self.folder / name

    def open(self, name: str) -> BinaryIO:
        """Opens bytes to read. Raises FileNotFoundError where they are gone."""
        return self.path(name).open("rb")

    def delete(self, name: str) -> None:
        """Throws bytes away; it is no error where there are none."""
        self.path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Throws all bytes away."""
        shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
