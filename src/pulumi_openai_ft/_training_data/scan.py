"""Single-pass scan of a file that hashes it, checks it and counts its tokens while it is read."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._training_data.checker import CheckOptions, FileChecker
from pulumi_openai_ft._training_data.duplicates import DuplicateFinder
from pulumi_openai_ft._training_data.executors import InlineExecutor, worker
from pulumi_openai_ft._training_data.reader import blocks, pieces
from pulumi_openai_ft._training_data.tokens import Tally, counter, counts_exactly

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO


class ScanResult(NamedTuple):
    """The result of a scan."""

    sha256: str
    tokens: int
    image_rows: int
    checker: FileChecker


def scan(
    content: FileIO,
    size: int,
    options: CheckOptions,
    training: DuplicateFinder | None,
    read: Callable[[int], None],
) -> ScanResult:
    """Hash a file, check it, and count its tokens.

    Args:
        content: The file, positioned at its start.
        size: Size of the file in bytes.
        options: Options of the check.
        training: Lines of the training file, if this is a validation file.
        read: Called with the number of bytes processed so far.
    """
    digest = hashlib.sha256()
    counting_worker = worker(size) if counts_exactly() else nullcontext(InlineExecutor())
    with worker(size) as reading, counting_worker as counting:
        tally = Tally(counting, counter(options.encoding), options.context_length)
        checker = FileChecker(options, tally, training)
        for block in blocks(pieces(content, reading, digest.update, read)):
            checker.take(block)
        checker.finish()
    return ScanResult(digest.hexdigest(), tally.tokens, tally.image_rows, checker)


def lines_of(content: FileIO) -> DuplicateFinder:
    """Return the lines of a training file, to pass to `scan` with its validation file."""
    finder = DuplicateFinder()
    for block in blocks(pieces(content, InlineExecutor(), lambda _piece: None, lambda _done: None)):
        if block.lines is not None:
            lines = [line.removesuffix(b"\r") for line in block.lines]
            for _ in finder.among(lines, range(block.number, block.number + len(lines))):
                pass
    return finder
