"""Checker for the lines of a file while they are read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec

from pulumi_openai_ft._shared.api_limits import METHODS
from pulumi_openai_ft._training_data.duplicates import DuplicateFinder
from pulumi_openai_ft._training_data.fast_path import collect_plain_rows
from pulumi_openai_ft._training_data.file_formats import continues, is_cut_off, other_file_format
from pulumi_openai_ft._training_data.limits import AZURE, FEWEST_ROWS, MOST_IMAGE_ROWS, most_images
from pulumi_openai_ft._training_data.problems import MOST_ERRORS, Problem, ProblemLog, Severity
from pulumi_openai_ft._training_data.reader import LONGEST_LINE
from pulumi_openai_ft._training_data.repeated_keys import may_repeat_keys, repeats_keys
from pulumi_openai_ft._training_data.row_rules import (
    UnreadableRowError,
    likely_method,
    parse_row,
    repeated_key_problem,
    row_problems,
)
from pulumi_openai_ft._training_data.row_types import Plain, row_type
from pulumi_openai_ft._training_data.token_texts import (
    NeedsFullCheckError,
    collect_simple_rows,
    collect_token_texts,
    token_texts,
)
from pulumi_openai_ft._training_data.tokens import Batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._training_data.reader import Block
    from pulumi_openai_ft._training_data.row_types import Row
    from pulumi_openai_ft._training_data.tokens import Tally

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
OPENING, CLOSING = b"{}"
Read = TypeVar("Read")

_first, _last = itemgetter(0), itemgetter(-1)


class CheckOptions(NamedTuple):
    """Options of a check.

    Attributes:
        method: Training method of the job, an item of `METHODS`, or None to infer it from the rows.
        encoding: Name of the encoding that tokens are counted with.
        context_length: Maximum number of tokens per row, or None. The service truncates longer rows.
        service: Name of the service, whose limits apply.
    """

    method: str | None
    encoding: str
    context_length: int | None
    service: str = "openai"


class FileChecker:
    """A check of a file, to which blocks of lines are passed in order.

    Args:
        options: Options of the check.
        tally: Count of the file's tokens.
        training: Lines of the training file, if this is a validation file. Lines in both files are warnings.

    Attributes:
        examples: Number of rows so far, valid or not.
        method: Training method whose rules are applied, or None before the first row that shows it.
        longest: Length of the longest line so far, in bytes. A row without images has no more tokens than bytes.
        findings: Problems found so far.
        has_guessed: Whether rows were checked by the rules of another method, before a row showed the method.
    """

    def __init__(self, options: CheckOptions, tally: Tally, training: DuplicateFinder | None = None) -> None:
        self.examples = self.longest = 0
        self.method = options.method
        self.has_guessed = False
        self.findings = ProblemLog()
        self._options, self._tally, self._training = options, tally, training
        self._duplicates = DuplicateFinder()
        self._is_stopped = False
        self._votes: Counter[str] = Counter()
        self._formats: dict[str, Problem] = {}
        self._format_counts: Counter[str] = Counter()
        self._open: tuple[int, bytes, UnreadableRowError] | None = None
        self._decoder: msgspec.json.Decoder[Row] | None = None
        self._plain = msgspec.json.Decoder(Plain) if options.method in (None, METHODS[0]) else None

    @property
    def likely_method(self) -> str:
        """Return the method that most rows are written for. The method whose rules were applied wins a tie."""
        applied = self.method or METHODS[0]
        others = self._votes.total()
        votes = self._votes + Counter({applied: self.examples - others})
        return max(METHODS, key=lambda method: (votes[method], method == applied))

    def take(self, block: Block) -> None:
        """Check a block of lines. After too many errors, this returns immediately."""
        if self._is_stopped:
            return
        self._continue_open_object(block)
        if self._is_stopped:
            return
        if block.lines is None:
            self._add(
                "line_too_long",
                f"is longer than {LONGEST_LINE / 2**20:.0f} MB, the limit for an example",
                block.number,
            )
            return
        lines = self._check_start(block.lines) if block.number == 1 else block.lines
        if not lines:
            self._is_stopped = True
            return
        if block.has_returns:
            lines = _without_carriage_returns(lines)
        numbers: Sequence[int] = range(block.number, block.number + len(lines))
        if not all(lines) or any(map(bytes.isspace, lines)):
            lines, numbers = self._without_blank_lines(lines, numbers)
            if not lines:
                return
        longest = len(max(lines, key=len))
        self.longest = max(self.longest, longest)
        text, may_be_long = block.text if lines is block.lines else None, longest > self._tally.longest
        if may_be_long or not self._take_plain(lines, text):
            if self._decoder is None:
                self._choose_method(lines)
            rows = self._decoded(lines, text) if block.is_ascii or _is_utf8(block.text) else None
            self._rows(lines, numbers, rows or [None] * len(lines), may_be_long=may_be_long)
        self._find_duplicates(lines, numbers)

    def _without_blank_lines(
        self, lines: list[bytes], numbers: Sequence[int]
    ) -> tuple[list[bytes], Sequence[int]]:
        """Report the blank lines, and return the others with their numbers."""
        self.findings.add_equal(
            "blank_line",
            "is blank",
            [number for number, line in zip(numbers, lines, strict=True) if not line or line.isspace()],
        )
        others = [
            (line, number) for number, line in zip(numbers, lines, strict=True) if line and not line.isspace()
        ]
        return [line for line, _ in others], [number for _, number in others]

    def finish(self) -> None:
        """Report the problems that depend on the whole file."""
        self._report_open_object([])
        self._tally.finish()
        for reason, problem in self._formats.items():
            more = self._format_counts[reason] - 1
            others = f" (and {more:,} more example{'' if more == 1 else 's'})" if more else ""
            self.findings.add(replace(problem, reason=f"{reason}{others}"))
        for line, length in self._tally.truncated:
            longest = self._options.context_length
            self._add("too_long_for_model", f"has {length:,} tokens, more than the model's {longest:,}", line)
        if self._is_stopped:
            return
        if self._tally.image_rows > MOST_IMAGE_ROWS:
            self._add("too_many_image_rows", f"has {self._tally.image_rows:,} examples with images")
        if not self.examples:
            self._add("no_examples", "has no examples")
        elif self.examples < FEWEST_ROWS:
            self._add("few_examples", f"has {self.examples} example{'' if self.examples == 1 else 's'}")

    def _add(self, kind: str, reason: str, line: int | None = None) -> None:
        self.findings.add(Problem(kind, reason, line))

    def _continue_open_object(self, block: Block) -> None:
        """Decide about a line that does not end its object, by the next lines, unless they are all blank."""
        if self._open and (block.lines is None or any(map(bytes.strip, block.lines))):
            self._report_open_object(block.lines or [])

    def _report_open_object(self, following: Sequence[bytes]) -> None:
        """Report the last line if it does not end its object.

        An object over several lines is reported once, and ends the check: all objects of such a file are written so.
        """
        if self._open is None:
            return
        (number, line, error), self._open = self._open, None
        if continues(line, following):
            self._is_stopped = True
            self._add("several_lines", "starts an object that continues on the next lines", number)
        else:
            self._add(error.kind, str(error), number)

    def _check_start(self, lines: list[bytes]) -> list[bytes]:
        """Check the start of the file.

        Returns:
            The lines without a byte order mark, or an empty list if the file cannot be read as JSON Lines.
        """
        first = lines[0]
        if reason := other_file_format(first):
            self._add("file_format", reason)
            return []
        if first.startswith(UTF_16_MARKS) or b"\0" in first[:4]:
            self._add("encoding", "is encoded in UTF-16 or UTF-32")
            return []
        if first.startswith(BYTE_ORDER_MARK):
            if self._options.service != AZURE:
                self._add("byte_order_mark", "starts with a byte order mark")
            first = first.removeprefix(BYTE_ORDER_MARK)
        if first.lstrip().startswith(b"["):
            self._add("array", "is a JSON array")
            return []
        return lines if first is lines[0] else [first, *lines[1:]]

    def _take_plain(self, lines: list[bytes], text: memoryview | bytes | None) -> bool:
        """Check lines on the fast path, as long as all rows are text-only, and return whether they were."""
        if self._plain is None:
            return False
        try:
            rows = _all_decoded(self._plain, lines, text)
            is_plain = collect_plain_rows(rows, lines, self._tally.batch)
        except UNDECODABLE:
            is_plain = False
        if is_plain:
            self.method = METHODS[0]
            self.examples += len(lines)
            self._tally.read(sum(map(len, lines)))
        else:
            self._plain = None
        return is_plain

    def _decoded(self, lines: list[bytes], text: memoryview | bytes | None) -> list[Row | None]:
        """Return the typed row of each line, or None for a line that does not match its type."""
        decoder = self._decoder
        if decoder is None:
            return [None] * len(lines)
        try:
            return [*_all_decoded(decoder, lines, text)]
        except UNDECODABLE:
            return [_decoded(decoder, line) for line in lines]

    def _choose_method(self, lines: list[bytes]) -> None:
        """Infer the method from the first row that shows it, unless the options set it. Expect the keys of this row."""
        for line in lines:
            try:
                row = parse_row(line)
            except UnreadableRowError:
                continue
            if self.method is None:
                self.method = likely_method(row)
                self.has_guessed = self.examples > 0 and self.method not in (None, METHODS[0])
            if self.method is not None and isinstance(row, dict):
                self._decoder = msgspec.json.Decoder(row_type(self.method, row.keys()))
                break

    def _rows(
        self, lines: list[bytes], numbers: Sequence[int], rows: list[Row | None], *, may_be_long: bool
    ) -> None:
        self.examples += len(lines)
        others: Sequence[int] = range(len(rows)) if may_be_long else self._take_simple_rows(lines, rows)
        for index in others:
            line, row = lines[index], rows[index]
            self._check_row(line, numbers[index], row)
            if self._open and index + 1 < len(lines):
                self._report_open_object(lines[index + 1 :])
        self._tally.read(sum(map(len, lines)))

    def _take_simple_rows(self, lines: list[bytes], rows: list[Row | None]) -> list[int]:
        """Take the text-only rows, and return the indexes of the others. If a key may be repeated, check each row."""
        batch = Batch()
        others = collect_simple_rows(rows, batch)
        is_other = set(others)
        simple = (
            [index for index in range(len(rows)) if index not in is_other] if others else range(len(rows))
        )
        taken = [row for index in simple if (row := rows[index]) is not None]
        texts = chain(batch.texts, batch.common)
        if may_repeat_keys([lines[index] for index in simple], taken, texts, batch.keys):
            checked = [
                None if row is None or repeats_keys(line, row) else row
                for line, row in zip(lines, rows, strict=True)
            ]
            batch = Batch()
            others = collect_simple_rows(checked, batch)
        self._tally.take(batch)
        return others

    def _check_row(self, line: bytes, number: int, row: Row | None) -> None:
        batch = Batch()
        try:
            if row is None:
                raise NeedsFullCheckError  # noqa: TRY301 - both reasons lead to the same check
            collect_token_texts(row, batch, most_images(self._options.service))
            if may_repeat_keys([line], [row], batch.texts, batch.keys) and repeats_keys(line, row):
                raise NeedsFullCheckError  # noqa: TRY301 - as above
        except NeedsFullCheckError:
            self._check_fully(line, number)
        else:
            self._tally.add(number, batch, len(line))

    def _check_fully(self, line: bytes, number: int) -> None:
        """Apply all rules to a row."""
        if self._is_stopped:
            return
        method = self.method or METHODS[0]
        repeated: list[str] = []
        try:
            row = parse_row(line, repeated)
            problems = row_problems(row, method, number, self._options.service)
        except UnreadableRowError as error:
            if is_cut_off(line):
                self._open = number, line, error  # the next lines show whether the object continues
            else:
                self._add(error.kind, str(error), number)
        else:
            if repeated:
                problems.append(repeated_key_problem(repeated, number))
            self._report(problems)
            self._vote(row)
            if all(problem.severity is Severity.WARNING for problem in problems):
                self._tally.add(number, token_texts(row, method), len(line))
        if self.findings.errors + self._format_counts.total() >= MOST_ERRORS:
            self._is_stopped = True
            self._add("stopped", f"has too many errors: lines after line {number} were not checked")

    def _report(self, problems: list[Problem]) -> None:
        """Add the problems of a row. A wrong format is reported once for all rows that have it."""
        for problem in problems:
            if problem.kind == "format":
                self._formats.setdefault(problem.reason, problem)
                self._format_counts[problem.reason] += 1
            else:
                self.findings.add(problem)

    def _vote(self, row: Any) -> None:
        """Count the method that a row shows, if it is not the applied one."""
        method = likely_method(row)
        if method not in (None, self.method):
            self._votes[method] += 1

    def _find_duplicates(self, lines: list[bytes], numbers: Sequence[int]) -> None:
        for line, first in self._duplicates.among(lines, numbers):
            self._add("duplicate", f"is identical to line {first}", line)
        for line, first in self._training.shared(lines, numbers) if self._training else ():
            self._add("shared_row", f"is identical to line {first} of the training file", line)


def _all_decoded(
    decoder: msgspec.json.Decoder[Read], lines: list[bytes], text: memoryview | bytes | None
) -> list[Read]:
    """Return the rows of lines.

    Args:
        decoder: Decoder for a row.
        lines: The lines.
        text: The same lines, joined by newlines, if the file contains them unchanged.

    Raises:
        UNDECODABLE: A line is not such a row. The error is an instance of one of these classes.
    """
    if text is not None and _are_objects(lines):
        rows = decoder.decode_lines(text)
        if len(rows) == len(lines):
            return rows
    return [*map(decoder.decode, lines)]


def _decoded(decoder: msgspec.json.Decoder[Row], line: bytes) -> Row | None:
    try:
        return decoder.decode(line)
    except UNDECODABLE:
        return None


def _without_carriage_returns(lines: list[bytes]) -> list[bytes]:
    """Return lines without the carriage returns of Windows, or the same list if there are none."""
    without = [line.removesuffix(b"\r") for line in lines]
    return lines if without == lines else without


def _are_objects(lines: list[bytes]) -> bool:
    """Return whether each line starts and ends like an object.

    If the number of rows in such lines equals the number of lines, each line is a row: within a row, a line that ends
    with `}` is never followed by a line that starts with `{`.
    """
    try:
        return set(map(_first, lines)) == {OPENING} and set(map(_last, lines)) == {CLOSING}
    except IndexError:  # a blank line
        return False


def _is_utf8(text: memoryview | bytes) -> bool:
    """Return whether a text is valid UTF-8. The decoder verifies only the strings that it returns."""
    try:
        str(text, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
