"""Reading a file in lines, in flat memory, however long it or its lines are."""

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
"""Bytes that are read at a time. Smaller ones would leave the hashing thread waiting for the interpreter's lock."""
CHUNK = 128 * 2**10
"""Bytes that are split at a time: what stays in the processor's nearest cache is parsed half as fast again."""
LONGEST_LINE = LIMITS["row_bytes"]
"""Bytes: ten images of 10 MB in base64, the most that a row may hold, and room for text."""


class Block(NamedTuple):
    """Whole lines that follow each other.

    Attributes:
        number: Number of the first one, counted from 1.
        lines: The lines, without the newline at the end of each. None stands for one line that is too long.
        text: All of them as they stand in the file.
        is_ascii: Whether they are surely ASCII.
        has_returns: Whether there may be a carriage return among them.
    """

    number: int
    lines: list[bytes] | None
    text: memoryview | bytes
    is_ascii: bool
    has_returns: bool


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[FileIO, State]]:
    """Opens a regular file for unbuffered reading, and gives its state.

    Raises:
        InputError: It is none, cannot be read, or was changed while it was read.
    """
    shown = repr(os.fspath(path))
    try:
        if not stat.S_ISREG(mode := os.stat(path).st_mode):  # noqa: PTH116 - a path as it was written
            kind = "a folder: name the file in it" if stat.S_ISDIR(mode) else "no regular file: name one"
            raise InputError(f"{shown} is {kind}")
        with open(path, "rb", buffering=0) as content:  # noqa: PTH123 - likewise
            before = State.of(os.fstat(content.fileno()))
            yield content, before
            if State.of(os.fstat(content.fileno())) != before:
                raise InputError(f"{shown} was changed while it was read: check it again once it is written")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(f"{shown} cannot be read: {reason}") from error


class State(NamedTuple):
    """What tells one file from another, and from itself after it was written to."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    """Set by the system alone: a copied or restored modification time does not hide a change."""

    @classmethod
    def of(cls, found: os.stat_result) -> State:
        """The state that a stat call tells."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def pieces(
    content: FileIO, worker: Worker, use: Callable[[memoryview], None], read: Callable[[int], None]
) -> Iterator[memoryview]:
    """The file's bytes. Each piece is valid until the next one is asked for.

    Args:
        content: The file.
        worker: Reads the next piece while the last one is looked at, and has it used.
        use: Is given each piece, in order.
        read: Is told how many bytes have been looked at so far.
    """

    def fill(buffer: memoryview) -> memoryview:
        piece = buffer[: content.readinto(buffer)]
        use(piece)
        return piece

    size = min(PIECE, os.fstat(content.fileno()).st_size + 1)
    buffers = cycle([memoryview(bytearray(size)) for _ in range(2)])
    coming, done = worker.submit(fill, next(buffers)), 0
    while piece := coming.result():
        coming = worker.submit(fill, next(buffers))
        yield piece
        read(done := done + len(piece))


def blocks(pieces: Iterator[memoryview], longest: int = LONGEST_LINE) -> Iterator[Block]:
    """The lines of a file, those that are close together in one block.

    Args:
        pieces: The file's bytes.
        longest: Bytes of a line, as many as a chunk or more; a longer line is skipped.
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
    """The beginning of a line, as much of it as may be needed."""

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
        """The line, whose number this is, after which another one begins."""
        line = b"".join(self._pieces)
        lines = None if self._size > self._longest else [line]
        block = Block(number, lines, line, line.isascii(), b"\r" in line)
        self._pieces.clear()
        self._size = 0
        return block
