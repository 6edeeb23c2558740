"""Readers of the local file during an upload. They hash the content and detect changes."""

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
"""Maximum number of blocks waiting to be hashed, which limits memory usage."""


def file_changed_error(name: str) -> InputError:
    """Return the error for a file that has changed since the program ran."""
    return InputError(
        f"file: {name!r} has changed since the program ran (its SHA-256 or size differs, or it was modified during "
        f"the upload), so nothing was uploaded: run the command again once the file is no longer being written; if the "
        f"program sets `sha256` or ignores its changes, remove that"
    )


def _unreadable(name: str, error: OSError) -> InputError:
    reason = (error.strerror or str(error)).lower()
    return InputError(
        f"file: {name!r} cannot be read to the end ({reason}), so nothing was uploaded: "
        f"check the disk and run the command again"
    )


class BackgroundSha256:
    """A SHA-256 hash that a second thread computes while the current thread reads and sends."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def begin(self) -> None:
        """Restart the hash."""
        self._waiting.clear()
        self._hash = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Add data to the hash. Wait if more than `AHEAD` blocks are pending."""
        self._waiting.append(self._thread.submit(self._hash.update, data))
        if len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def hexdigest(self) -> str:
        """Return the hash of all data since `begin`, in hexadecimal digits."""
        while self._waiting:
            self._waiting.popleft().result()
        return self._hash.hexdigest()


class Section:
    """A readable section of a file. It has its own position and does not move the file's.

    Args:
        file: File descriptor.
        start: Offset of the first byte.
        size: Size of the section in bytes.
        report: Called before each read with the number of bytes already read. `read` raises the exceptions it raises.
        name: Name of the file, for error messages.
    """

    def __init__(self, file: int, start: int, size: int, report: Callable[[int], None], name: str) -> None:
        self._file, self._start, self._size = file, start, size
        self._report, self._name = report, name
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, or the rest of the section if `size` is negative.

        Raises:
            InputError: The file has become shorter or cannot be read.
        """
        left = self._size - self._at
        requested = left if size < 0 else min(size, left)
        self._report(self._at)  # before the read, so that it can raise if the upload was stopped
        try:
            data = os.pread(self._file, requested, self._start + self._at)
        except OSError as error:
            raise _unreadable(self._name, error) from error
        if requested and not data:
            raise file_changed_error(self._name)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Change the position within the section, and return it."""
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:
        """Return the position within the section."""
        return self._at


@dataclass(slots=True)
class FileSnapshot:
    """The state of a file before the upload, for detecting changes.

    Attributes:
        content: The open file.
        upload: The upload.
        name: Path of the file, for error messages.
    """

    content: BufferedReader
    upload: UploadRequest
    name: str = ""
    _state: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def of(cls, content: BufferedReader, upload: UploadRequest) -> Self:
        """Return the snapshot of a file.

        Raises:
            InputError: The file's size differs from the upload's.
        """
        snapshot = cls(content, upload, name=str(getattr(content, "name", upload.filename)))
        snapshot._state = snapshot._current_state()
        if snapshot._state[0] != upload.size:
            raise file_changed_error(snapshot.name)
        return snapshot

    def md5(self, follow: Callable[[int], None]) -> str:
        """Return the MD5 of the content, in hexadecimal digits.

        Args:
            follow: Called before each block, and at the end, with the number of bytes hashed. Its exceptions are
                passed on.

        Raises:
            InputError: The content has changed since the program ran.
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
        """Check that the content has not changed since the program ran.

        Args:
            sha256: SHA-256 of the content that was read.

        Raises:
            InputError: The content has changed.
        """
        if self.upload.sha256 not in (None, sha256):
            raise file_changed_error(self.name)
        self.require_same()

    def require_same(self) -> None:
        """Check that the file has not been modified since the snapshot.

        Raises:
            InputError: The file was modified.
        """
        if self._current_state() != self._state:
            raise file_changed_error(self.name)

    def _current_state(self) -> tuple[int, int, int]:
        stat = os.fstat(self.content.fileno())
        return stat.st_size, stat.st_mtime_ns, stat.st_ino


class VerifiedReader(Section):
    """A reader of a complete file that returns the last bytes only if the content has not changed.

    Args:
        snapshot: Snapshot of the file.
        report: Called before each read, see `Section`.
    """

    def __init__(self, snapshot: FileSnapshot, report: Callable[[int], None]) -> None:
        super().__init__(snapshot.content.fileno(), 0, snapshot.upload.size, report, snapshot.name)
        self._snapshot, self._sha256 = snapshot, BackgroundSha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._sha256.__exit__(*error)

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, or the rest of the file if `size` is negative.

        Raises:
            InputError: The content has changed since the program ran, or cannot be read.
        """
        if not self._at:  # the first read, or the first read of a retry
            self._sha256.begin()
        data = super().read(size)
        self._sha256.update(data)
        if self._at == self._size:
            self._snapshot.verify(self._sha256.hexdigest())
        return data
