"""Reader that splits a file into lines, in constant memory regardless of the length of the file and its lines."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._shared.api_limits import LIMITS
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from pulumi_openai_ft._training_data.executors import Worker

PIECE = 8 * 2**20
"""Bytes per read. With smaller reads, the hashing thread would have to wait for the interpreter lock."""
CHUNK = 128 * 2**10
"""Bytes per split. Lines are parsed 1.5 times as fast if they stay in the processor's cache."""
LONGEST_LINE = LIMITS["row_bytes"]
"""Maximum length of a line in bytes: ten images of 10 MB in base64, which is the limit per example, and text."""


class Block(NamedTuple):
    """Complete, consecutive lines.

    Attributes:
        number: Line number of the first line, counted from 1.
        lines: The lines without their newlines, or None for a single line that is too long.
        text: The unmodified content of all lines.
        is_ascii: Whether all lines are known to be ASCII.
        has_returns: Whether the lines may contain carriage returns.
    """

    number: int
    lines: list[bytes] | None
    text: memoryview | bytes
    is_ascii: bool
    has_returns: bool


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[FileIO, State]]:
    """Open a regular file for unbuffered reading, and yield it with its state.

    Raises:
        InputError: It is not a regular file, cannot be read, or changed while it was read.
    """
    name = repr(os.fspath(path))
    try:
        if not stat.S_ISREG(mode := os.stat(path).st_mode):  # noqa: PTH116 - keeps the path unchanged
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise InputError(f"{name} is {kind}; pass the path of a regular file")
        with open(path, "rb", buffering=0) as content:  # noqa: PTH123 - keeps the path unchanged
            before = State.of(os.fstat(content.fileno()))
            yield content, before
            if State.of(os.fstat(content.fileno())) != before:
                raise InputError(
                    f"{name} changed while it was being read; run the check again once it is no longer being written"
                )
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(f"{name} cannot be read: {reason}") from error


class State(NamedTuple):
    """The identity, size and times of a file. Two states differ if the file was replaced or written."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    """Set only by the operating system, so that setting back the modification time does not hide a change."""

    @classmethod
    def of(cls, result: os.stat_result) -> State:
        """Return the state in the result of a stat call."""
        return cls(result.st_dev, result.st_ino, result.st_size, result.st_mtime_ns, result.st_ctime_ns)


def pieces(
    content: FileIO, worker: Worker, use: Callable[[memoryview], None], read: Callable[[int], None]
) -> Iterator[memoryview]:
    """Yield the content of a file in pieces. A piece is valid until the next iteration.

    Args:
        content: The file.
        worker: Executor that reads the next piece and calls `use` while the caller processes the last piece.
        use: Called with each piece, in order.
        read: Called with the number of bytes that the caller has processed so far.
    """

    def fill(buffer: memoryview) -> memoryview:
        piece = buffer[: content.readinto(buffer)]
        use(piece)
        return piece

    size = min(PIECE, os.fstat(content.fileno()).st_size + 1)
    buffers = cycle([memoryview(bytearray(size)) for _ in range(2)])
    next_piece, done = worker.submit(fill, next(buffers)), 0
    while piece := next_piece.result():
        next_piece = worker.submit(fill, next(buffers))
        yield piece
        read(done := done + len(piece))


def blocks(pieces: Iterator[memoryview], longest: int = LONGEST_LINE) -> Iterator[Block]:
    """Yield the lines of a file in blocks. Complete lines of a chunk are in the same block.

    Args:
        pieces: Content of the file.
        longest: Maximum length of a line in bytes, at least `CHUNK`. A longer line is skipped.
    """
    number, part = 1, _Part(longest)
    for piece in pieces:
        for start in range(0, len(piece), CHUNK):
            chunk = bytes(piece[start : start + CHUNK])
            first, *lines = chunk.split(b"\n")
            part.append(first)
            if not lines:
                continue
            yield part.ended(number)
            part.append(last := lines.pop())
            if lines:
                text = memoryview(chunk)[len(first) + 1 : len(chunk) - len(last)]
                yield Block(number + 1, lines, text, chunk.isascii(), b"\r" in chunk)
            number += 1 + len(lines)
    if part:
        yield part.ended(number)


class _Part:
    """The part of a line that has been read so far. Its content is dropped if the line is too long."""

    def __init__(self, longest: int) -> None:
        self._longest, self._pieces, self._size = longest, list[bytes](), 0

    def __bool__(self) -> bool:
        return self._size > 0

    def append(self, piece: bytes) -> None:
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > self._longest:
            self._pieces.clear()

    def ended(self, number: int) -> Block:
        """Return the completed line with this line number, and reset the part for the next line."""
        line = b"".join(self._pieces)
        lines = None if self._size > self._longest else [line]
        block = Block(number, lines, line, line.isascii(), b"\r" in line)
        self._pieces.clear()
        self._size = 0
        return block
