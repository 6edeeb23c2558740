"""Names of resources in generated programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def resource_name(parts: Iterable[str | int], taken: Collection[str]) -> str:
    """Return a name that is not taken: the parts in lowercase, joined with underscores. It is a Python identifier.

    Args:
        parts: Parts of the name, such as the steps of an address.
        taken: Names of the other resources of the same class.
    """
    words = [re.sub(r"[^a-z0-9]+", "_", str(part).lower()).strip("_") for part in parts]
    base = "_".join(word for word in words if word)
    if not base[:1].isalpha():
        base = f"resource_{base}".rstrip("_")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name
