"""The local file while it is sent: read in sections, hashed, and watched for changes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader

    from pulumi_openai_ft._upload.wish import Upload

BLOCK = 1 << 20


def changed(name: str) -> InputError:
    """The error for a file that is not what the program saw."""
    return InputError(
        f"file: {name!r} is not what it was when the program ran (its sha256 or size differs), so nothing was "
        f"uploaded: run the command again when nobody writes to it; a program that gives `sha256`, or ignores its "
        f"changes, has to leave that out"
    )


class Section:
    """A part of a file, as something to be read. Reading it moves nothing but itself.

    Args:
        file: Descriptor of the file.
        start: Its first byte.
        size: How many there are.
        report: Called after each read with the bytes of the section that were read. What it raises, the read raises.
        name: Of the file, for an error that says that it has become shorter.
    """

    def __init__(self, file: int, start: int, size: int, report: Callable[[int], None], name: str) -> None:
        self._file, self._start, self._size = file, start, size
        self._report, self._name = report, name
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        left = self._size - self._at
        wanted = left if size < 0 else min(size, left)
        self._report(self._at)  # before it reads: nobody may want the section any more
        data = os.pread(self._file, wanted, self._start + self._at)
        if wanted and not data:
            raise changed(self._name)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of a file."""
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:
        """As of a file."""
        return self._at


@dataclass
class Sent:
    """What is sent in one piece, hashed on its way: the last byte leaves only if all are what the program saw.

    Attributes:
        upload: The file.
        name: Of the local file.
        then: Called with the bytes that were read.
    """

    upload: Upload
    name: str
    then: Callable[[int], None] = lambda _position: None
    _hash: Any = field(default_factory=hashlib.sha256)

    def see(self, position: int, data: bytes) -> None:
        """Takes note of what was read up to a position. Raises `InputError` where it is not what it was."""
        if position == len(data):
            self._hash = hashlib.sha256()
        self._hash.update(data)
        is_short, is_whole = not data and position < self.upload.size, position == self.upload.size
        expected = self.upload.sha256 or self._hash.hexdigest() if is_whole else None
        if is_short or position > self.upload.size or (is_whole and self._hash.hexdigest() != expected):
            raise changed(self.name)
        self.then(position)


@dataclass
class Picture:
    """A file as it is before any of it is sent, and its hashes.

    Attributes:
        content: The file.
        upload: What it is to be.
    """

    content: BufferedReader
    upload: Upload
    name: str = ""
    _state: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def of(cls, content: BufferedReader, upload: Upload) -> Self:
        """The picture of a file. Raises `InputError` where it has not its size any more."""
        picture = cls(content, upload, name=str(getattr(content, "name", upload.filename)))
        picture._state = picture._now()
        if picture._state[0] != upload.size:
            raise changed(picture.name)
        return picture

    def md5(self, pause: Callable[[], None]) -> str:
        """The MD5 of the content.

        Args:
            pause: Called between two blocks. What it raises comes out.

        Raises:
            InputError: It is not the content that the program saw.
        """
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        at = 0
        while block := os.pread(self.content.fileno(), BLOCK, at):
            at += len(block)
            md5.update(block)
            sha256.update(block)
            pause()
        if self.upload.sha256 not in (None, sha256.hexdigest()):
            raise changed(self.name)
        self.require_same()
        return md5.hexdigest()

    def require_same(self) -> None:
        """Raises `InputError` where the file has been written to since."""
        if self._now() != self._state:
            raise changed(self.name)

    def _now(self) -> tuple[int, int, int]:
        told = os.fstat(self.content.fileno())
        return told.st_size, told.st_mtime_ns, told.st_ino
