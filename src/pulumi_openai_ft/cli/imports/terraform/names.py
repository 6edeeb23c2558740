"""Names of the Pulumi resources that replace Terraform's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pulumi_openai_ft.cli.imports.terraform.state_file import Key


def resource_name(path: Iterable[Key], taken: Collection[str]) -> str:
    """Return a name that is not taken: the steps of a Terraform address, joined with underscores.

    Args:
        path: Names and keys of the modules, the name of the resource, and its key.
        taken: Names of the other resources of the same class.
    """
    steps = [re.sub(r"[^a-z0-9]+", "_", str(step).lower()).strip("_") for step in path]
    base = "_".join(step for step in steps if step)
    if not base[:1].isalpha():
        base = f"resource_{base}".rstrip("_")
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name
