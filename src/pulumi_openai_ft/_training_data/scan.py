"""One pass over a file: it is hashed, judged and counted while it is read."""

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
    """What came of a pass."""

    sha256: str
    tokens: int
    image_rows: int
    examined: FileChecker


def scan(
    content: FileIO,
    size: int,
    terms: CheckOptions,
    training: DuplicateFinder | None,
    read: Callable[[int], None],
) -> ScanResult:
    """Hashes, judges and counts a file of so many bytes.

    Args:
        content: The file, at its beginning.
        size: Its bytes.
        terms: By what it is judged.
        training: The lines of the training file, for a validation file.
        read: Is told how many bytes have been used so far.
    """
    digest = hashlib.sha256()
    counting_worker = worker(size) if counts_exactly() else nullcontext(InlineExecutor())
    with worker(size) as reading, counting_worker as counting:
        tally = Tally(counting, counter(terms.encoding), terms.context_length)
        examined = FileChecker(terms, tally, training)
        for block in blocks(pieces(content, reading, digest.update, read)):
            examined.take(block)
        examined.finish()
    return ScanResult(digest.hexdigest(), tally.tokens, tally.image_rows, examined)


def lines_of(content: FileIO) -> DuplicateFinder:
    """Remembers the lines of a training file, for `look_through` of a validation file."""
    found = DuplicateFinder()
    for block in blocks(pieces(content, InlineExecutor(), lambda _piece: None, lambda _done: None)):
        if block.lines is not None:
            lines = [line.removesuffix(b"\r") for line in block.lines]
            for _ in found.among(lines, block.number):
                pass
    return found
