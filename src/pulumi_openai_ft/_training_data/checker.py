"""Judges the lines of a file as they come."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from pulumi_openai_ft._shared.api_limits import METHODS
from pulumi_openai_ft._training_data.duplicates import DuplicateFinder
from pulumi_openai_ft._training_data.fast_path import collect_plain_rows
from pulumi_openai_ft._training_data.limits import FEWEST_ROWS, MOST_IMAGE_ROWS
from pulumi_openai_ft._training_data.problems import Problem, ProblemLog
from pulumi_openai_ft._training_data.reader import LONGEST_LINE
from pulumi_openai_ft._training_data.row_rules import (
    UnreadableRowError,
    likely_method,
    parse_row,
    row_problems,
)
from pulumi_openai_ft._training_data.row_types import TYPES, Plain
from pulumi_openai_ft._training_data.token_texts import (
    NeedsFullCheckError,
    collect_simple_rows,
    collect_token_texts,
    token_texts,
)
from pulumi_openai_ft._training_data.tokens import Batch

if TYPE_CHECKING:
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
    """By what a file is judged and counted.

    Attributes:
        method: The job's method, of `METHODS`, or None to go by what the first row looks like.
        encoding: The tokens' encoding.
        context_length: Tokens of a row beyond which the model cuts it, or None.
    """

    method: str | None
    encoding: str
    context_length: int | None


class FileChecker:
    """Judges the lines of a file as they come.

    Args:
        terms: By what the file is judged.
        tally: Counts its tokens.
        training: The lines of the training file, of which a validation file should hold none.

    Attributes:
        examples: Rows so far, whether good or not.
        method: The method by whose rules they are judged; None before the first row was read.
        longest: Bytes of the longest line so far. A row has no more tokens than bytes, unless it shows images.
        findings: What is wrong so far.
    """

    def __init__(self, terms: CheckOptions, tally: Tally, training: DuplicateFinder | None = None) -> None:
        self.examples = self.longest = 0
        self.method = terms.method
        self.findings = ProblemLog()
        self._terms, self._tally, self._training = terms, tally, training
        self._repeats = DuplicateFinder()
        self._has_carriage_returns = self._is_over = False
        self._decoder: msgspec.json.Decoder[Row] | None = None
        self._plain = msgspec.json.Decoder(Plain) if terms.method in (None, METHODS[0]) else None

    def take(self, block: Block) -> None:
        """Judges lines; once that is pointless it does nothing."""
        if self._is_over:
            return
        if block.lines is None:
            self._say(
                "line_too_long",
                f"is longer than {LONGEST_LINE / 2**20:.0f} MB, which no row can be",
                block.number,
            )
            return
        lines = self._beginning(block.lines) if block.number == 1 else block.lines
        if not lines:
            self._is_over = True
            return
        if block.has_returns:
            lines = self._without_carriage_returns(lines)
        longest = len(max(lines, key=len))
        self.longest = max(self.longest, longest)
        text, may_be_long = block.text if lines is block.lines else None, longest > self._tally.longest
        if may_be_long or not self._take_plain(lines, text):
            if self._decoder is None:
                self._choose(lines)
            rows = self._decoded(lines, text) if block.is_ascii or _is_utf8(block.text) else None
            self._rows(lines, block.number, rows or [None] * len(lines), may_be_long=may_be_long)
        self._look_for_repeats(lines, block.number)

    def finish(self) -> None:
        """Says what only the whole file tells."""
        self._tally.finish()
        for line, length in self._tally.cut:
            longest = self._terms.context_length
            self._say("too_long_for_model", f"has {length:,} tokens, the model takes {longest:,}", line)
        if self._is_over:
            return
        if self._tally.image_rows > MOST_IMAGE_ROWS:
            self._say("too_many_image_rows", f"has {self._tally.image_rows:,} rows with images")
        if not self.examples:
            self._say("no_examples", "holds no rows")
        elif self.examples < FEWEST_ROWS:
            self._say("few_examples", f"holds {self.examples} row{'' if self.examples == 1 else 's'}")

    def _say(self, kind: str, reason: str, line: int | None = None) -> None:
        self.findings.add(Problem(kind, reason, line))

    def _beginning(self, lines: list[bytes]) -> list[bytes]:
        """Looks at what comes first: the first lines as they are meant, or none of them if nothing will be readable."""
        first = lines[0]
        if first.startswith(UTF_16_MARKS) or b"\0" in first[:4]:
            self._say("encoding", "is UTF-16 or UTF-32")
            return []
        if first.startswith(BYTE_ORDER_MARK):
            self._say("byte_order_mark", "begins with a byte order mark")
            first = first.removeprefix(BYTE_ORDER_MARK)
        if first.lstrip().startswith(b"["):
            self._say("array", "is one JSON array")
            return []
        return lines if first is lines[0] else [first, *lines[1:]]

    def _without_carriage_returns(self, lines: list[bytes]) -> list[bytes]:
        without = [line.removesuffix(b"\r") for line in lines]
        if without == lines:
            return lines
        if not self._has_carriage_returns:
            self._has_carriage_returns = True
            self._say("carriage_returns", "has lines that end as on Windows (CRLF)")
        return without

    def _take_plain(self, lines: list[bytes], text: memoryview | bytes | None) -> bool:
        """Takes lines that hold plain rows and nothing else, by the fastest way, as long as all have done so."""
        if self._plain is None:
            return False
        try:
            is_plain = collect_plain_rows(_all_decoded(self._plain, lines, text), self._tally.batch)
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
        """The rows that fit their types; None for each other."""
        decoder = self._decoder
        if decoder is None:
            return [None] * len(lines)
        try:
            return [*_all_decoded(decoder, lines, text)]
        except UNDECODABLE:
            return [_decoded(decoder, line) for line in lines]

    def _choose(self, lines: list[bytes]) -> None:
        """Decides on the method by the first row that can be read."""
        for line in filter(bytes.strip, lines) if self.method is None else ():
            try:
                self.method = likely_method(parse_row(line))
                break
            except UnreadableRowError:
                continue
        if self.method is not None:
            self._decoder = msgspec.json.Decoder(TYPES[self.method])

    def _rows(self, lines: list[bytes], number: int, rows: list[Row | None], *, may_be_long: bool) -> None:
        self.examples += len(lines)
        others = range(len(rows)) if may_be_long else collect_simple_rows(rows, self._tally.batch)
        for index in others:
            self._unusual(lines[index], number + index, rows[index])
        self._tally.read(sum(map(len, lines)))

    def _unusual(self, line: bytes, number: int, row: Row | None) -> None:
        batch = Batch()
        try:
            if row is None:
                raise NeedsFullCheckError  # noqa: TRY301 - whatever the reason, it is looked at as below
            collect_token_texts(row, batch)
        except NeedsFullCheckError:
            self._doubtful(line, number)
        else:
            self._tally.add(number, batch, len(line))

    def _doubtful(self, line: bytes, number: int) -> None:
        """Looks at a row more closely."""
        if self._is_over:
            return
        if not line.strip():
            self.examples -= 1
            self._say("blank_line", "is blank", number)
            return
        errors, method = self.findings.errors, self.method or METHODS[0]
        try:
            row = parse_row(line)
            for problem in row_problems(row, method, number):
                self.findings.add(problem)
        except UnreadableRowError as error:
            self._say(error.kind, str(error), number)
        if self.findings.errors == errors:
            self._tally.add(number, token_texts(row, method), len(line))
        elif self.findings.are_too_many:
            self._is_over = True
            self._say("stopped", f"has so many errors that nothing was examined after line {number}")

    def _look_for_repeats(self, lines: list[bytes], number: int) -> None:
        for line, first in self._repeats.among(lines, number):
            self._say("duplicate", f"is the same as that in line {first}", line)
        for line, first in self._training.shared(lines, number) if self._training else ():
            self._say("shared_row", f"is also in line {first} of the training file", line)


def _all_decoded(
    decoder: msgspec.json.Decoder[Read], lines: list[bytes], text: memoryview | bytes | None
) -> list[Read]:
    """The rows of lines, which as they stand in the file are the text. Raises one of `UNDECODABLE`."""
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


def _are_objects(lines: list[bytes]) -> bool:
    """Whether each line begins and ends as an object does.

    Where as many rows as lines are read from such lines, each line holds one: inside of a row, what ends with `}` is
    never followed by what begins with `{`.
    """
    try:
        return set(map(_first, lines)) == {OPENING} and set(map(_last, lines)) == {CLOSING}
    except IndexError:  # a blank line
        return False


def _is_utf8(text: memoryview | bytes) -> bool:
    """Whether it is text; the decoder looks only at the strings that it returns."""
    try:
        str(text, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
