"""Messages of the commands that plan and import."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft.cli.imports.import_list import ImportEntry, Omission
    from pulumi_openai_ft.cli.imports.plan import Plan

MAX_OMISSIONS = 20
WARNING = "Until your program declares the imported resources, `pulumi up` fails: it would delete them, and they are protected."
_NOUNS = {FILE_TYPE: "file", JOB_TYPE: "job", PERMISSION_TYPE: "permission"}


def nothing_to_import(plan: Plan) -> str:
    """Return a sentence for a plan without entries."""
    managed = f": the stack already manages {resources(plan.managed)}" if plan.managed else ""
    return f"Nothing to import{managed}."


def summary(entries: Sequence[ImportEntry]) -> str:
    """Return the numbers of resources by kind, such as `2 files, 1 job`."""
    numbers = Counter(entry.type for entry in entries)
    return ", ".join(
        f"{numbers[type_]:,} {noun}{'' if numbers[type_] == 1 else 's'}"
        for type_, noun in _NOUNS.items()
        if numbers[type_]
    )


def resources(number: int) -> str:
    """Return a number of resources, such as `1 resource`."""
    return f"{number:,} resource{'' if number == 1 else 's'}"


def report_omissions(omissions: Sequence[Omission], remainder: str) -> None:
    """Print the objects that are left out.

    Args:
        omissions: The objects.
        remainder: Where to find the others, if they are many.
    """
    if not omissions:
        return
    sys.stderr.write("\nLeft out:\n" + "".join(f"  - {line}\n" for line in omissions[:MAX_OMISSIONS]))
    if len(omissions) > MAX_OMISSIONS:
        sys.stderr.write(f"  - {len(omissions) - MAX_OMISSIONS} more{remainder}\n")
