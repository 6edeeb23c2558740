"""What a URN tells of a resource."""

from __future__ import annotations


def type_of(urn: str) -> str:
    """The type of a URN's resource, without those of its parents."""
    return urn.split("::", 3)[2].rsplit("$", maxsplit=1)[-1] if urn.count("::") > 2 else ""  # noqa: PLR2004 - urn:pulumi:stack::project::types::name


def name_of(urn: str) -> str:
    """The name of a URN's resource, which may hold anything."""
    return urn.split("::", 3)[-1]
