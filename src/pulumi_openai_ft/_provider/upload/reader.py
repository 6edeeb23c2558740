"""The local file while it is sent: read in sections, hashed, and watched for changes."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from io import BufferedReader

    from pulumi_openai_ft._provider.upload.request import UploadRequest

BLOCK = 1 << 20
AHEAD = 4
"""Blocks that may wait to be hashed, which bounds the memory that they take."""


def file_changed_error(name: str) -> InputError:
    """The error for a file that is not what the program saw."""
    return InputError(
        f"file: {name!r} is not what it was when the program ran (its sha256 or size differs, or it was written "
        f"to meanwhile), so nothing was uploaded: run the command again when nobody writes to it; a program that gives `sha256`, or ignores its "
        f"changes, has to leave that out"
    )


def _unreadable(name: str, error: OSError) -> InputError:
    reason = (error.strerror or str(error)).lower()
    return InputError(
        f"file: {name!r} cannot be read to its end ({reason}), so nothing was uploaded: "
        f"check the disk that it is on, and run the command again"
    )


class BackgroundSha256:
    """A SHA-256 that another thread computes, while this one reads and sends."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def begin(self) -> None:
        """Forgets what it was given."""
        self._waiting.clear()
        self._hash = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """As of a hash. Waits where the hash is far behind."""
        self._waiting.append(self._thread.submit(self._hash.update, data))
        if len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def hexdigest(self) -> str:
        """As of a hash, of all that it was given."""
        while self._waiting:
            self._waiting.popleft().result()
        return self._hash.hexdigest()


class Section:
    """A part of a file, as a file of its own. Reading it moves nothing but itself.

    Args:
        file: Descriptor of the file.
        start: Its first byte.
        size: How many there are.
        report: Called before each read with the bytes of the section that were read. What it raises, the read raises.
        name: Of the file, for an error that says that it has become shorter.
    """

    def __init__(self, file: int, start: int, size: int, report: Callable[[int], None], name: str) -> None:
        self._file, self._start, self._size = file, start, size
        self._report, self._name = report, name
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """As of a file. Raises `InputError` where it has become shorter, or cannot be read any more."""
        left = self._size - self._at
        wanted = left if size < 0 else min(size, left)
        self._report(self._at)  # before it reads: nobody may want the section any more
        try:
            data = os.pread(self._file, wanted, self._start + self._at)
        except OSError as error:
            raise _unreadable(self._name, error) from error
        if wanted and not data:
            raise file_changed_error(self._name)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of a file."""
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:
        """As of a file."""
        return self._at


@dataclass(slots=True)
class FileSnapshot:
    """A file as it is before any of it is sent, and its hashes.

    Attributes:
        content: The file.
        upload: What it is to be.
    """

    content: BufferedReader
    upload: UploadRequest
    name: str = ""
    _state: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def of(cls, content: BufferedReader, upload: UploadRequest) -> Self:
        """The picture of a file. Raises `InputError` where it has not its size any more."""
        picture = cls(content, upload, name=str(getattr(content, "name", upload.filename)))
        picture._state = picture._now()
        if picture._state[0] != upload.size:
            raise file_changed_error(picture.name)
        return picture

    def md5(self, follow: Callable[[int], None]) -> str:
        """The MD5 of the content.

        Args:
            follow: Called before each block, and in the end, with how many bytes were hashed. What it raises comes out.

        Raises:
            InputError: It is not the content that the program saw.
        """
        md5 = hashlib.md5(usedforsecurity=False)
        content = Section(self.content.fileno(), 0, self.upload.size, follow, self.name)
        with BackgroundSha256() as sha256:
            while block := content.read(BLOCK):
                sha256.update(block)
                md5.update(block)
            self.verify(sha256.hexdigest())
        return md5.hexdigest()

    def verify(self, sha256: str) -> None:
        """Raises `InputError` where it is not the content that the program saw.

        Args:
            sha256: Of what was read.
        """
        if self.upload.sha256 not in (None, sha256):
            raise file_changed_error(self.name)
        self.require_same()

    def require_same(self) -> None:
        """Raises `InputError` where the file has been written to since."""
        if self._now() != self._state:
            raise file_changed_error(self.name)

    def _now(self) -> tuple[int, int, int]:
        told = os.fstat(self.content.fileno())
        return told.st_size, told.st_mtime_ns, told.st_ino


class VerifiedReader(Section):
    """All of a file, as something to be read: its last byte comes only if all are what the program saw.

    Args:
        picture: The file.
        report: As of a section.
    """

    def __init__(self, picture: FileSnapshot, report: Callable[[int], None]) -> None:
        super().__init__(picture.content.fileno(), 0, picture.upload.size, report, picture.name)
        self._picture, self._sha256 = picture, BackgroundSha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._sha256.__exit__(*error)

    def read(self, size: int = -1) -> bytes:
        """As of a file. Raises `InputError` where it is not the content that the program saw."""
        if not self._at:  # also where it is sent again
            self._sha256.begin()
        data = super().read(size)
        self._sha256.update(data)
        if self._at == self._size:
            self._picture.verify(self._sha256.hexdigest())
        return data
