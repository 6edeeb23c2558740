"""Lines that are the same as earlier ones."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_REMEMBERED = 500_000
"""Lines of a file that are remembered: some 50 MB. Later ones are compared with these alone."""


class DuplicateFinder:
    """Remembers lines by their hashes; two that differ have the same one in 10^14 files, if at all."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._not_numbered: list[tuple[int, list[int]]] = []
        self._numbers: dict[int, int] = {}

    def among(self, lines: list[bytes], number: int) -> Iterator[tuple[int, int]]:
        """Finds lines that were seen before, and remembers the others.

        Args:
            lines: Lines that follow each other.
            number: Number of the first.

        Returns:
            Numbers of the lines that repeat earlier ones, each with the number of the first that it repeats.
        """
        hashes = list(map(hash, lines))
        new = set(hashes)
        repeats_any = len(new) < len(hashes) or not self._seen.isdisjoint(new)
        if len(self._seen) < MOST_REMEMBERED:
            self._not_numbered.append((number, hashes))
            self._seen |= new
        if repeats_any:
            yield from self._first_ones(lines, hashes, number)

    def shared(self, lines: list[bytes], number: int) -> Iterator[tuple[int, int]]:
        """Numbers of lines of another file that this one has, each with its number here."""
        hashes = list(map(hash, lines))
        if not self._seen.isdisjoint(hashes):
            yield from self._first_ones(lines, hashes, number, is_other_file=True)

    def _first_ones(
        self, lines: list[bytes], hashes: list[int], number: int, *, is_other_file: bool = False
    ) -> Iterator[tuple[int, int]]:
        self._number()
        firsts = map(self._numbers.get, hashes, repeat(0))
        for own, (line, first) in enumerate(zip(lines, firsts, strict=True), start=number):
            if first and (is_other_file or first < own) and line.strip():
                yield own, first

    def _number(self) -> None:
        """Numbers are found when the first repetition is: most files have none."""
        for number, hashes in self._not_numbered:
            for own, hash_ in enumerate(hashes, start=number):
                self._numbers.setdefault(hash_, own)
        self._not_numbered.clear()
