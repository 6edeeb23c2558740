"""Problems in training data: their kinds, their severity, and how to fix them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._training_data.limits import (
    FEWEST_ROWS,
    MOST_IMAGE_BYTES,
    MOST_IMAGE_ROWS,
    MOST_IMAGES,
    MOST_IMAGES_AT_AZURE,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Severity(StrEnum):
    """The effect of a problem on a job."""

    ERROR = "error"
    """The service rejects the file when a job starts to read it."""
    WARNING = "warning"
    """The service may accept the file, but it probably contains a mistake."""


class Kind(NamedTuple):
    """A kind of problem.

    Attributes:
        severity: Whether the problem is an error or a warning.
        hint: How to fix the problem, in the imperative.
    """

    severity: Severity
    hint: str


def _error(hint: str) -> Kind:
    return Kind(Severity.ERROR, hint)


def _warning(hint: str) -> Kind:
    return Kind(Severity.WARNING, hint)


_IMAGE_MB = f"{MOST_IMAGE_BYTES / 2**20:.0f} MB"
KINDS: dict[str, Kind] = {
    "file_format": _error(
        "convert the file to JSON Lines: one JSON object per line, in UTF-8, not compressed"
    ),
    "encoding": _error("save the file as UTF-8 without a byte order mark"),
    "array": _error(
        "write JSON Lines: one object per line, without the surrounding brackets and the commas between objects"
    ),
    "json": _error("write one complete JSON object per line"),
    "line_too_long": _error("split the example, shrink its images, or reference them by URL"),
    "row": _error('write an object such as {"messages": […]}'),
    "several_lines": _error("write each object on one line, without line breaks between its keys"),
    "format": _error("use the format of the job's training method"),
    "input": _error('write an object with messages: {"messages": [{"role": "user", "content": "…"}]}'),
    "messages": _error("write a list of at least one message, each with role and content"),
    "role": _error("use a role that the training method allows"),
    "content": _error("write a string, or a list of parts, each with a type"),
    "name": _error("write a string"),
    "weight": _error("set weight to 0 or 1 on an assistant message, or omit it"),
    "image": _error(
        f"use up to {MOST_IMAGES} images per example ({MOST_IMAGES_AT_AZURE} at Azure, none for dpo), only in user messages, as URLs or base64 data "
        f"URLs of JPEG, PNG or WEBP files of up to {_IMAGE_MB} each"
    ),
    "tool_call": _error('write {"id": …, "type": "function", "function": {"name": …, "arguments": "{…}"}}'),
    "arguments": _error("write the arguments as a string that contains JSON"),
    "refused_call": _error(
        "add a tool message with the id of the call after it: Azure rejects calls without results"
    ),
    "tool": _error('write {"type": "function", "function": {"name": …, "parameters": {…}}}'),
    "last_message": _error(
        "end the example with an assistant message, or with a user message for reinforcement"
    ),
    "nothing_to_learn": _error("add an assistant message that does not have weight 0"),
    "output": _error("write a list of exactly one assistant message"),
    "special_token": _error("remove or rewrite it: the service reserves this text"),
    "too_many_image_rows": _error(f"keep at most {MOST_IMAGE_ROWS:,} examples with images"),
    "too_few_examples": _error(f"add examples: training requires at least {FEWEST_ROWS}"),
    "no_examples": _error("write at least one example"),
    "stopped": _error("fix the errors listed, then run the check again"),
    "few_examples": _warning(
        f"add examples if this is a training file: training requires at least {FEWEST_ROWS}"
    ),
    "byte_order_mark": _warning("save the file without it: only Azure requires it"),
    "blank_line": _warning("remove the blank line"),
    "duplicate": _warning("remove the duplicate, unless it is intentional"),
    "shared_row": _warning(
        "remove it from one of the files: shared examples make validation results look too good"
    ),
    "too_long_for_model": _warning("shorten the example: the service truncates its end"),
    "unknown_key": _warning("remove the key: the service is reported to reject keys outside of its format"),
    "repeated_key": _warning("write each key once: only its last value is used"),
    "name_characters": _warning("use up to 64 characters without spaces, <, >, |, / and \\"),
    "nul": _warning("remove the NUL character (\\u0000)"),
    "empty_reply": _warning("write a reply, or remove the example"),
    "consecutive_replies": _warning("join the assistant messages, or add the user message between them"),
    "prompt_end": _warning("end the messages of input with the user message that the outputs reply to"),
    "same_outputs": _warning(
        "write two different outputs, or remove the example: there is nothing to prefer"
    ),
    "tool_content": _warning(
        "write the content as one string: the service is reported to reject a list of parts"
    ),
    "arguments_type": _warning("write the arguments as a string that contains a JSON object"),
    "image_address": _warning("use a public http or https URL, or a base64 data URL"),
    "image_content": _warning(
        "replace the image: the service skips examples with images that it cannot read"
    ),
    "lone_surrogate": _warning("write complete characters: an unpaired surrogate cannot be encoded"),
    "unanswered_call": _warning(
        "add a tool message with the id of the call after it, or end the example with the call"
    ),
    "late_result": _warning("move the result directly after the message with the call"),
    "unknown_call": _warning("use the id of an earlier tool call that has no result yet"),
    "undeclared_tool": _warning("declare the function in the tools of the example"),
}
"""Kinds of problems by name."""

MOST_SHOWN = 20
"""Number of problems per severity that are reported in full."""
MOST_ERRORS = 10_000
"""Number of errors after which the check stops."""


@dataclass(frozen=True)
class Problem:
    """A problem in a file of training data.

    Attributes:
        kind: Name of the problem's kind, a key of `KINDS`.
        reason: Description of the problem that begins with a verb, such as `is missing`.
        line: Line number, counted from 1, or None if the problem concerns the whole file.
        path: Path of the property, such as `messages[1].content`, or "" if the problem concerns the whole example.
    """

    kind: str
    reason: str
    line: int | None = None
    path: str = ""

    @property
    def severity(self) -> Severity:
        """Return whether the problem is an error or a warning."""
        return KINDS[self.kind].severity

    @property
    def hint(self) -> str:
        """Return how to fix the problem, in the imperative."""
        return KINDS[self.kind].hint

    def __str__(self) -> str:
        if self.line is None:
            return f"{self.path or 'the file'} {self.reason}; {self.hint}"
        return f"line {self.line}: {self.path or 'the example'} {self.reason}; {self.hint}"


@dataclass(slots=True)
class ProblemLog:
    """Problems in bounded memory: the first ones in full, later ones only as counts.

    The first warning of each kind is always kept in full, because previews show it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    _first: dict[Severity, list[Problem]] = field(
        default_factory=lambda: {severity: [] for severity in Severity}
    )

    def add(self, problem: Problem) -> None:
        """Count a problem, and store it if it is among the first."""
        self.counts[problem.kind] += 1
        self.errors += problem.severity is Severity.ERROR
        first = self._first[problem.severity]
        is_new_warning = problem.severity is Severity.WARNING and self.counts[problem.kind] == 1
        if len(first) < MOST_SHOWN or is_new_warning:
            first.append(problem)

    def add_equal(self, kind: str, reason: str, lines: Sequence[int]) -> None:
        """Count a warning for each of these lines, and store the warnings that are among the first."""
        stored = min(len(lines), max(1, MOST_SHOWN - len(self._first[Severity.WARNING])))
        for line in lines[:stored]:
            self.add(Problem(kind, reason, line))
        self.counts[kind] += len(lines) - stored

    def first_problems(self) -> tuple[Problem, ...]:
        """Return the stored problems: first the errors, then the warnings, each in the order of their lines."""
        return tuple(
            problem
            for severity in Severity
            for problem in sorted(self._first[severity], key=lambda problem: problem.line or 0)
        )
