"""Parts of a URN, `urn:pulumi:stack::project::types::name`."""

from __future__ import annotations

_SEPARATORS = 3
"""Separators before the name, which may contain further ones."""


def type_of(urn: str) -> str:
    """Return the resource type of a URN, without the types of its parents; empty if the URN has no type."""
    parts = urn.split("::", _SEPARATORS)
    return parts[-2].rpartition("$")[2] if len(parts) > _SEPARATORS else ""


def name_of(urn: str) -> str:
    """Return the resource name of a URN, which may contain any characters."""
    return urn.split("::", _SEPARATORS)[-1]
