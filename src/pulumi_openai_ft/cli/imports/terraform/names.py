"""Names of the Pulumi resources that replace Terraform's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_openai_ft.cli.imports.terraform.state_file import Key

_UNSUPPORTED = re.compile(r"[^a-zA-Z0-9_-]+")
"""Characters with which Pulumi's commands need quotes, or its code generation fails."""


def resource_name(path: Iterable[Key], taken: Iterable[str]) -> str:
    """Return a name that is not taken: the steps of a Terraform address, joined with hyphens.

    Args:
        path: Names and keys of the modules, the name of the resource, and its key.
        taken: Names of the other resources of the same class.
    """
    others = set(taken)
    steps = [_UNSUPPORTED.sub("-", str(step)).strip("-") for step in path]
    base = "-".join(step for step in steps if step)
    if not base[:1].isalpha():
        base = f"resource-{base}".rstrip("-")
    name, number = base, 2
    while name in others:
        name, number = f"{base}-{number}", number + 1
    return name
