"""What `openai-ft doctor` finds, and how it is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Status(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: What, in a word or two.
        mark: How it is.
        text: What was found and, unless all is well, what to do. Holds no key.
    """

    check: str
    status: Status
    message: str


def ok(check: str, message: str) -> Finding:
    """A finding that asks for nothing."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str) -> Finding:
    """A finding that does not keep anything from working."""
    return Finding(check, Status.WARNING, message)


def problem(check: str, message: str) -> Finding:
    """A finding that keeps something from working."""
    return Finding(check, Status.PROBLEM, message)


def as_table(findings: Sequence[Finding]) -> str:
    """A line for each finding, in columns."""
    width = max(len(finding.check) for finding in findings)
    lines = [
        f"{finding.status:<7}  {finding.check:<{width}}  {' '.join(finding.message.split())}"
        for finding in findings
    ]
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects with the fields of a finding."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
