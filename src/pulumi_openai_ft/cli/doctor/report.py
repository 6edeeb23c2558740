"""Findings of `openai-ft doctor`, and their output as a table or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Status(StrEnum):
    """The status of a check."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        check: Subject of the check, in one or two words.
        status: Whether the check passed.
        message: The result and, unless the check passed, the next step. Contains no keys.
    """

    check: str
    status: Status
    message: str


def ok(check: str, message: str) -> Finding:
    """Return a finding of a check that passed."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str) -> Finding:
    """Return a finding that does not prevent `pulumi up` from working."""
    return Finding(check, Status.WARNING, message)


def problem(check: str, message: str) -> Finding:
    """Return a finding that prevents `pulumi up` from working."""
    return Finding(check, Status.PROBLEM, message)


def as_table(findings: Sequence[Finding]) -> str:
    """Format findings as a table with a line per finding."""
    width = max(len(finding.check) for finding in findings)
    lines = [
        f"{finding.status:<7}  {finding.check:<{width}}  {' '.join(finding.message.split())}"
        for finding in findings
    ]
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Format findings as a JSON list of objects with the fields of `Finding`."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
