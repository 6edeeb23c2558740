"""What can be wrong with training data, and what to do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pulumi_openai_ft._training_data.limits import (
    FEWEST_ROWS,
    MOST_IMAGE_BYTES,
    MOST_IMAGE_ROWS,
    MOST_IMAGES,
)


class Severity(StrEnum):
    """Whether the service will refuse the file."""

    ERROR = "error"
    """It will, when a job starts to read it."""
    WARNING = "warning"
    """It may not, but something is likely not as it was meant."""


class Kind(NamedTuple):
    """A sort of problem.

    Attributes:
        severity: Whether the service will refuse the file.
        hint: What to do.
    """

    severity: Severity
    hint: str


def _error(hint: str) -> Kind:
    return Kind(Severity.ERROR, hint)


def _warning(hint: str) -> Kind:
    return Kind(Severity.WARNING, hint)


_IMAGE_MB = f"{MOST_IMAGE_BYTES / 2**20:.0f} MB"
KINDS: dict[str, Kind] = {
    "encoding": _error("save the file as UTF-8 without a byte order mark"),
    "array": _error(
        "write JSON lines: each element on a line of its own, without the brackets and commas around"
    ),
    "json": _error("write one whole JSON object on each line"),
    "line_too_long": _error("split the row, or make its images smaller or name them by URL"),
    "row": _error('write an object such as {"messages": […]}'),
    "format": _error("write rows in the format of the job's method"),
    "messages": _error("write a list with at least one message, each with role and content"),
    "role": _error("write one of the roles that the method allows"),
    "content": _error("write a string, or a list of parts that each have a type"),
    "name": _error("write a string"),
    "weight": _error("write 0 or 1 on an assistant message, or leave it out"),
    "image": _error(
        f"use at most {MOST_IMAGES} images a row, in user messages: JPEG, PNG or WEBP of up to {_IMAGE_MB} each, by URL"
    ),
    "tool_call": _error('write {"id": …, "type": "function", "function": {"name": …, "arguments": "{…}"}}'),
    "arguments": _error("write the arguments as a string that holds JSON"),
    "tool": _error('write {"type": "function", "function": {"name": …, "parameters": {…}}}'),
    "last_message": _error("end the row with an assistant message, for reinforcement with a user message"),
    "nothing_to_learn": _error("give the row an assistant message, one without weight 0"),
    "output": _error("write a list with one assistant message"),
    "special_token": _error("take it out or write it otherwise: the service reserves it"),
    "too_many_image_rows": _error(f"keep at most {MOST_IMAGE_ROWS:,} rows with images"),
    "too_few_examples": _error(f"add rows: training needs at least {FEWEST_ROWS}"),
    "no_examples": _error("write at least one row"),
    "stopped": _error("mend what was found, then check again"),
    "few_examples": _warning(f"add rows if the file is to train: that needs at least {FEWEST_ROWS}"),
    "byte_order_mark": _warning("save the file without one, unless it is for Azure, which asks for it"),
    "carriage_returns": _warning("save the file with Unix line ends (LF) if the service refuses it"),
    "blank_line": _warning("take blank lines out"),
    "duplicate": _warning("take it out, unless it is meant to count more"),
    "shared_row": _warning("take it out of one of them: it makes validation look better than it is"),
    "too_long_for_model": _warning(
        "shorten the row: what is beyond the model's length is cut off at its end"
    ),
    "lone_surrogate": _warning("write whole characters: half of one cannot be encoded"),
    "unanswered_call": _warning("let a tool message with the call's id follow, or end the row with the call"),
    "unknown_call": _warning("give the tool message the id of a call before it"),
    "undeclared_tool": _warning("declare the function among the row's tools"),
}
"""All kinds of problems."""

MOST_SHOWN = 20
"""Problems of each severity that are kept in full."""
MOST_ERRORS = 10_000
"""Errors after which nothing more is examined."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: Its kind, of `KINDS`.
        reason: What is wrong, beginning with a verb, such as `is missing`.
        line: Line of the file, counted from 1; None for the file as a whole.
        path: Where in the row, as `messages[1].content`; blank for the row as a whole.
    """

    kind: str
    reason: str
    line: int | None = None
    path: str = ""

    @property
    def severity(self) -> Severity:
        """Whether the service will refuse the file."""
        return KINDS[self.kind].severity

    @property
    def hint(self) -> str:
        """What to do."""
        return KINDS[self.kind].hint

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}: "
        return f"{place}{self.path or ('the file' if self.line is None else 'the row')} {self.reason}; {self.hint}"


@dataclass
class ProblemLog:
    """Collects problems in bounded memory: the first ones in full, then numbers alone.

    Of warnings the first of each kind is among them: previews tell those.
    """

    counts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    _shown: dict[Severity, list[Problem]] = field(
        default_factory=lambda: {severity: [] for severity in Severity}
    )

    def add(self, problem: Problem) -> None:
        """Takes a problem."""
        self.counts[problem.kind] += 1
        self.errors += problem.severity is Severity.ERROR
        visible = self._shown[problem.severity]
        is_new_warning = problem.severity is Severity.WARNING and self.counts[problem.kind] == 1
        if len(visible) < MOST_SHOWN or is_new_warning:
            visible.append(problem)

    def shown(self) -> tuple[Problem, ...]:
        """What is kept in full: errors, then warnings, each in the order of the lines."""
        return tuple(
            problem
            for severity in Severity
            for problem in sorted(self._shown[severity], key=lambda found: found.line or 0)
        )

    @property
    def are_too_many(self) -> bool:
        """Whether there is no point in looking for more."""
        return self.errors >= MOST_ERRORS
