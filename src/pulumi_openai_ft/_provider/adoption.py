"""Record of the existing objects that this process has adopted."""

from __future__ import annotations


class AdoptedIds:
    """Ids of existing objects that a new resource has adopted.

    A forced replacement first creates the new resource and then deletes the old one. If the new resource adopted the
    object of the old one, that delete must not remove the object.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, id_: str) -> None:
        """Record that a new resource has adopted an object."""
        self._ids.add(id_)

    def was_adopted(self, id_: str) -> bool:
        """Return whether a delete must spare the object because a replacement adopted it. Only the first call does."""
        was_adopted = id_ in self._ids
        self._ids.discard(id_)
        return was_adopted
