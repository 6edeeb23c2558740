"""Token counts of texts: exact with the extra `tokens`, otherwise estimated from their length."""

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
    """Function that counts the tokens of two lists: distinct texts, and texts that often repeat."""

DEFAULT_ENCODING = "o200k_base"
ENCODINGS = {
    "gpt-3.5": "cl100k_base",
    "gpt-35": "cl100k_base",
    "gpt-4-": "cl100k_base",
    "davinci": "cl100k_base",
    "babbage": "cl100k_base",
}
"""Encodings by prefix of the base model's name. All other models use `DEFAULT_ENCODING`."""
BYTES_PER_TOKEN = 4
"""Average for English prose. The average for code and other languages differs."""
BATCH = 16 * 2**20
"""Size of a batch in bytes of rows, large enough that the counting thread rarely waits for the interpreter lock."""
SMALL_BATCH = 2**18
"""Size of a batch in bytes of rows if tokens are counted in the same thread."""


def encoding_of(model: str | None) -> str:
    """Return the encoding of an OpenAI model. Other vendors' models are counted with `DEFAULT_ENCODING`."""
    base = (model or "").removeprefix("ft:")
    if base == "gpt-4":
        return ENCODINGS["gpt-4-"]
    matches = (encoding for prefix, encoding in ENCODINGS.items() if base.startswith(prefix))
    return next(matches, DEFAULT_ENCODING)


def counts_exactly() -> bool:
    """Return whether the tokenizer is installed."""
    return find_spec("toktok") is not None


def counter(encoding: str) -> Count:
    """Return a function that counts or estimates the tokens of texts."""
    if not counts_exactly():
        return _estimated
    # Imported here because it is optional and takes 0.3 s to load.
    from toktok import batch_count  # type: ignore[import-untyped]  # noqa: PLC0415

    def counted(texts: list[str], common: list[str]) -> int:
        repetitions = Counter(common)
        repeated: Iterable[tuple[int, int]] = zip(
            batch_count(list(repetitions), encoding, threads=1), repetitions.values(), strict=True
        )
        distinct: list[int] = batch_count(texts, encoding, threads=1)
        return sum(distinct) + sum(tokens * count for tokens, count in repeated)

    return counted


def _estimated(texts: list[str], common: list[str]) -> int:
    characters = sum(map(len, texts)) + sum(map(len, common))
    non_ascii = [text for text in chain(texts, common) if not text.isascii()]
    joined = "".join(non_ascii)
    additional_bytes = len(joined.encode()) - len(joined)
    return -(-(characters + additional_bytes) // BYTES_PER_TOKEN)


class Sum(NamedTuple):
    """The token count of a batch.

    Attributes:
        tokens: Tokens of all rows, each limited to the model's maximum.
        truncated: Line number and number of tokens of each row that exceeds the maximum.
    """

    tokens: int
    truncated: list[tuple[int, int]]


@dataclass(slots=True)
class Batch:
    """The texts of some rows.

    Attributes:
        texts: Texts that differ from row to row.
        common: Texts that are often the same in many rows.
        tokens: Tokens in addition to those of the texts.
        images: Number of rows with images. A batch of several rows has no rows with images.
        keys: Number of keys in the JSON of the rows.
    """

    texts: list[str] = field(default_factory=list)
    common: list[str] = field(default_factory=list)
    tokens: int = 0
    images: int = 0
    keys: int = 0

    def count(self, count: Count) -> int:
        """Return the number of tokens, using `count` for the texts."""
        return self.tokens + count(self.texts, self.common)


class Tally:
    """The running token count of a file.

    Args:
        worker: Executor that counts the tokens.
        count: Function that counts the tokens of texts.
        longest: Maximum number of tokens per row, or None. The service truncates longer rows.

    Attributes:
        batch: Texts of rows that cannot exceed the maximum.
        tokens: Tokens so far.
        truncated: Line number and number of tokens of each row so far that exceeds the maximum.
        image_rows: Number of rows so far with images.
    """

    def __init__(self, worker: Worker, count: Count, longest: int | None) -> None:
        self.batch = Batch()
        self.tokens = self.image_rows = 0
        self.truncated: list[tuple[int, int]] = []
        self.longest = sys.maxsize if longest is None else longest
        self._worker, self._count = worker, count
        self._long: list[tuple[int, Batch]] = []
        self._size, self._most = 0, SMALL_BATCH if isinstance(worker, InlineExecutor) else BATCH
        self._pending: Future[Sum] | None = None

    def add(self, line: int, row: Batch, size: int) -> None:
        """Add a row of `size` bytes. A row without images has no more tokens than bytes."""
        if size > self.longest or row.images:
            self.image_rows += row.images
            self._long.append((line, row))
            return
        self.take(row)

    def take(self, rows: Batch) -> None:
        """Add rows without images that cannot exceed the maximum."""
        batch = self.batch
        batch.texts += rows.texts
        batch.common += rows.common
        batch.tokens += rows.tokens

    def read(self, size: int) -> None:
        """Record that rows of `size` bytes were added, and count the tokens of the batch if it is full."""
        self._size += size
        if self._size > self._most:
            self._flush()

    def finish(self) -> None:
        """Complete the count."""
        self._flush()
        self._collect()

    def _flush(self) -> None:
        self._collect()
        self._pending = self._worker.submit(_sum, self._count, self.batch, self._long, self.longest)
        self.batch, self._long, self._size = Batch(), [], 0

    def _collect(self) -> None:
        if self._pending:
            result = self._pending.result()
            self.tokens += result.tokens
            self.truncated += result.truncated


def _sum(count: Count, batch: Batch, long: list[tuple[int, Batch]], longest: int) -> Sum:
    lengths = [(line, row.count(count)) for line, row in long]
    tokens = batch.count(count) + sum(min(length, longest) for _, length in lengths)
    return Sum(tokens, [(line, length) for line, length in lengths if length > longest])
