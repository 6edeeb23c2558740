"""What this process has adopted."""

from __future__ import annotations


class AdoptedIds:
    """Ids of things that were there before and that a new resource has adopted.

    A forced replacement creates, then deletes the old resource. Where creating has adopted what the old one had,
    that delete must not touch it.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def add(self, id_: str) -> None:
        """Notes that a new resource has adopted it."""
        self._ids.add(id_)

    def was_adopted(self, id_: str) -> bool:
        """Whether the delete that is asked for is the one that follows a replacement. Any later one is meant."""
        is_spared = id_ in self._ids
        self._ids.discard(id_)
        return is_spared
