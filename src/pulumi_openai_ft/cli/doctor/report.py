"""What `openai-ft doctor` finds, and how it is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Mark(StrEnum):
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

    about: str
    mark: Mark
    text: str


def ok(about: str, text: str) -> Finding:
    """A finding that asks for nothing."""
    return Finding(about, Mark.OK, text)


def warning(about: str, text: str) -> Finding:
    """A finding that does not keep anything from working."""
    return Finding(about, Mark.WARNING, text)


def problem(about: str, text: str) -> Finding:
    """A finding that keeps something from working."""
    return Finding(about, Mark.PROBLEM, text)


def as_table(findings: Sequence[Finding]) -> str:
    """A line for each finding, in columns."""
    width = max(len(finding.about) for finding in findings)
    lines = [
        f"{finding.mark:<7}  {finding.about:<{width}}  {' '.join(finding.text.split())}"
        for finding in findings
    ]
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects with the fields of a finding."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)
