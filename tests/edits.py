"""Misspellings of names, for tests of suggestions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORT = 2
"""Letters of a name in which a replaced letter leaves too little to recognize it."""


def one_edit_of(name: str) -> Iterator[str]:
    """Yield the name with one letter removed, doubled, replaced, or exchanged with the next one."""
    for place, letter in enumerate(name):
        before, after = name[:place], name[place + 1 :]
        yield before + after
        yield before + 2 * letter + after
        if len(name) > SHORT:
            yield f"{before}q{after}"
        if after and len(name) > SHORT:
            yield before + after[0] + letter + after[1:]


def misspellings(name: str, known: Iterable[str]) -> set[str]:
    """Return the misspellings of a known name that are not known names themselves."""
    return {edited for edited in one_edit_of(name) if edited} - set(known)


def is_one_edit_away(edited: str, name: str) -> bool:
    """Return whether a name is at most one edit away from a misspelling, which may be close to several names."""
    shorter = {edited[:place] + edited[place + 1 :] for place in range(len(edited))}
    replaced = {name[:place] + letter + name[place + 1 :] for place in range(len(name)) for letter in edited}
    return edited in {name, *one_edit_of(name), *replaced} or name in shorter
