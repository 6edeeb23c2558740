"""Suggestions for misspelled names. Every message that asks "Did you mean …?" uses them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SIMILAR = 0.6
"""Least similarity of a suggestion, from 0 to 1 (`difflib.SequenceMatcher.ratio`)."""


def closest(name: str, known: Iterable[str], similarity: float = SIMILAR) -> str | None:
    """Return the known name that is most similar to a name, ignoring case, or None if none is similar."""
    by_folded_name = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name.casefold(), by_folded_name, n=1, cutoff=similarity)
    return by_folded_name[found[0]] if found else None


def did_you_mean(name: object, known: Iterable[str], similarity: float = SIMILAR) -> str:
    """Return the end of a message about an unknown name, `. Did you mean 'x'?`, or "" if no known name is similar."""
    found = closest(name, known, similarity) if isinstance(name, str) else None
    return f". Did you mean {found!r}?" if found else ""
