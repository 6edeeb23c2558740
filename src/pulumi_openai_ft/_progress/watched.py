"""A file that tells how far it has been read, which while it is sent is how far it has been sent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer


class Watched(io.BufferedReader):
    """A binary file that reports how far it has been read. Closing it leaves the content open.

    Args:
        content: The file.
        report: Called after each read, with the bytes from the file's beginning to where reading stands and with what
            was read, which is empty at the end; a file that is sent again is read from its beginning. What it raises,
            the read raises.
    """

    def __init__(self, content: BinaryIO, report: Callable[[int, bytes], None]) -> None:
        # a larger buffer would report what it reads ahead, and nothing of what it still has
        super().__init__(_Reporting(content, report), buffer_size=1)


class _Reporting(io.RawIOBase):
    def __init__(self, content: BinaryIO, report: Callable[[int, bytes], None]) -> None:
        self._content, self._report = content, report

    @property
    def name(self) -> str:
        return self._content.name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._content.read(len(view))
        view[: len(data)] = data
        if view:
            self._report(self._content.tell(), data)
        return len(data)

    def seekable(self) -> bool:
        return self._content.seekable()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._content.seek(offset, whence)

    def tell(self) -> int:
        return self._content.tell()

    def fileno(self) -> int:
        return self._content.fileno()
