"""How many tokens texts are: exact with the extra `tokens`, else by their length."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._training_data.executors import InlineExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from typing import TypeAlias

    from pulumi_openai_ft._training_data.executors import Worker

    Count: TypeAlias = Callable[[list[str], list[str]], int]
    """Counts the tokens of texts, and of texts of which many are the same."""

DEFAULT_ENCODING = "o200k_base"
ENCODINGS = {
    "gpt-3.5": "cl100k_base",
    "gpt-35": "cl100k_base",
    "gpt-4-": "cl100k_base",
    "davinci": "cl100k_base",
    "babbage": "cl100k_base",
}
"""By how a base model's name begins, where it is not the newer encoding."""
BYTES_PER_TOKEN = 4
"""Of English prose. Code and other languages have more tokens or fewer."""
BATCH = 16 * 2**20
"""Bytes of rows whose tokens are counted together, so that the counting thread seldom waits for a lock."""
SMALL_BATCH = 2**18
"""Likewise, where no other thread counts."""


def encoding_of(model: str | None) -> str:
    """The encoding by which OpenAI's models split text; models of others are counted as if they did so too."""
    base = (model or "").removeprefix("ft:")
    if base == "gpt-4":
        return ENCODINGS["gpt-4-"]
    return next((found for prefix, found in ENCODINGS.items() if base.startswith(prefix)), DEFAULT_ENCODING)


def counts_exactly() -> bool:
    """Whether the tokenizer is there."""
    return find_spec("toktok") is not None


def counter(encoding: str) -> Count:
    """What counts the tokens of texts."""
    if not counts_exactly():
        return _estimated
    # belongs to an extra that has no types, and takes 0.3 s to load
    from toktok import batch_count  # type: ignore[import-untyped]  # noqa: PLC0415

    def counted(texts: list[str], common: list[str]) -> int:
        times = Counter(common)
        of_common: Iterable[tuple[int, int]] = zip(
            batch_count(list(times), encoding, threads=1), times.values(), strict=True
        )
        own: list[int] = batch_count(texts, encoding, threads=1)
        return sum(own) + sum(one * often for one, often in of_common)

    return counted


def _estimated(texts: list[str], common: list[str]) -> int:
    letters = sum(map(len, texts)) + sum(map(len, common))
    beyond_ascii = [text for text in chain(texts, common) if not text.isascii()]
    more_bytes = sum(len(text.encode()) - len(text) for text in beyond_ascii)
    return -(-(letters + more_bytes) // BYTES_PER_TOKEN)


class Sum(NamedTuple):
    """Tokens of a batch.

    Attributes:
        tokens: All together, each row cut at the model's length.
        cut: Lines and lengths of the rows that were cut.
    """

    tokens: int
    cut: list[tuple[int, int]]


@dataclass(slots=True)
class Batch:
    """What of some rows becomes tokens.

    Attributes:
        texts: Texts that differ from row to row.
        common: Texts of which many are the same.
        tokens: Tokens beside those of the texts.
        images: How many of the rows show images; in a batch of more than one row, none does.
    """

    texts: list[str] = field(default_factory=list)
    common: list[str] = field(default_factory=list)
    tokens: int = 0
    images: int = 0

    def count(self, count: Count) -> int:
        """Its tokens."""
        return self.tokens + count(self.texts, self.common)


class Tally:
    """Counts the tokens of a file as its rows come.

    Args:
        worker: Does the counting.
        count: Counts the tokens of texts.
        longest: Tokens beyond which the model cuts a row, or None.

    Attributes:
        batch: Where rows of which none can be too long are put.
        tokens: Tokens so far.
        cut: Lines and lengths of rows that are too long, so far.
        image_rows: Rows so far that show images.
    """

    def __init__(self, worker: Worker, count: Count, longest: int | None) -> None:
        self.batch = Batch()
        self.tokens = self.image_rows = 0
        self.cut: list[tuple[int, int]] = []
        self.longest = sys.maxsize if longest is None else longest
        self._worker, self._count = worker, count
        self._long: list[tuple[int, Batch]] = []
        self._size, self._most = 0, SMALL_BATCH if isinstance(worker, InlineExecutor) else BATCH
        self._under_way: Future[Sum] | None = None

    def add(self, line: int, row: Batch, size: int) -> None:
        """Takes a row of so many bytes: it has no more tokens, unless it shows images."""
        if size > self.longest or row.images:
            self.image_rows += row.images
            self._long.append((line, row))
            return
        batch = self.batch
        batch.texts += row.texts
        batch.common += row.common
        batch.tokens += row.tokens

    def read(self, size: int) -> None:
        """Takes note that so many bytes of rows have been put into the batch or added."""
        self._size += size
        if self._size > self._most:
            self._flush()

    def finish(self) -> None:
        """Ends the counting: everything is complete then."""
        self._flush()
        self._collect()

    def _flush(self) -> None:
        self._collect()
        self._under_way = self._worker.submit(_sum, self._count, self.batch, self._long, self.longest)
        self.batch, self._long, self._size = Batch(), [], 0

    def _collect(self) -> None:
        if self._under_way:
            found = self._under_way.result()
            self.tokens += found.tokens
            self.cut += found.cut


def _sum(count: Count, batch: Batch, long: list[tuple[int, Batch]], longest: int) -> Sum:
    lengths = [(line, row.count(count)) for line, row in long]
    tokens = batch.count(count) + sum(min(length, longest) for _, length in lengths)
    return Sum(tokens, [(line, length) for line, length in lengths if length > longest])
