"""Search for duplicate lines."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_REMEMBERED = 500_000
"""Number of lines that are stored, which takes about 50 MB. Later lines are compared only with these."""


class DuplicateFinder:
    """A set of lines, stored as 64-bit hashes. With `MOST_REMEMBERED` lines, a collision has a probability of 10^-8."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._not_numbered: list[tuple[Sequence[int], list[int]]] = []
        self._numbers: dict[int, int] = {}

    def among(self, lines: list[bytes], numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Find lines that duplicate earlier lines, and store the others.

        Args:
            lines: The lines.
            numbers: Their line numbers.

        Yields:
            The line number of each duplicate, and the line number of its first occurrence.
        """
        hashes = list(map(hash, lines))
        new = set(hashes)
        has_duplicates = len(new) < len(hashes) or not self._seen.isdisjoint(new)
        if len(self._seen) < MOST_REMEMBERED:
            self._not_numbered.append((numbers, hashes))
            self._seen |= new
        if has_duplicates:
            yield from self._first_occurrences(hashes, numbers)

    def shared(self, lines: list[bytes], numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Find lines of another file that are in this file.

        Yields:
            The line number in the other file, and the line number in this file.
        """
        hashes = list(map(hash, lines))
        if not self._seen.isdisjoint(hashes):
            yield from self._first_occurrences(hashes, numbers, is_other_file=True)

    def _first_occurrences(
        self, hashes: list[int], numbers: Sequence[int], *, is_other_file: bool = False
    ) -> Iterator[tuple[int, int]]:
        self._number()
        firsts = map(self._numbers.get, hashes, repeat(0))
        for current, first in zip(numbers, firsts, strict=True):
            if first and (is_other_file or first < current):
                yield current, first

    def _number(self) -> None:
        """Store the line numbers of the lines. This waits for the first duplicate: most files have none."""
        for numbers, hashes in self._not_numbered:
            for number, hash_ in zip(numbers, hashes, strict=True):
                self._numbers.setdefault(hash_, number)
        self._not_numbered.clear()
