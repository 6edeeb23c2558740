"""Validation of uploaded JSONL files when a job starts. `training_rows` has the rules for rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, BinaryIO

from pulumi_openai_ft.server.api_limits import LIMITS
from pulumi_openai_ft.server.training_rows import MAX_ROW_BYTES, Row, RowFaultError, read_row

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_EXAMPLES = LIMITS["fewest_rows"]
MAX_IMAGE_ROWS = LIMITS["rows_with_images"]

_MESSAGE_TOKENS = 3
_ROW_TOKENS = 3
_IMAGE_TOKENS = {"low": LIMITS["tokens_of_low_detail_image"]}
_FULL_IMAGE_TOKENS = LIMITS["tokens_of_image"]  # four tiles; the actual number depends on the image's size


@dataclass(frozen=True)
class Problem:
    """A job's `error` object."""

    code: str
    message: str
    param: str | None = None


@dataclass(frozen=True)
class Summary:
    """The number of examples in a valid file, and the estimated number of billed tokens per epoch.

    The server has no tokenizer: it estimates one token per four characters, rounded up per text, plus the overhead of
    the chat format. This suits English; other languages and code need more tokens.
    """

    examples: int
    tokens: int


def inspect_training_data(
    content: BinaryIO,
    *,
    method: str,
    param: str = "training_file",
    context_length: int | None = None,
    service: str = "openai",
) -> Summary | Problem:
    """Validate a file like the service in `validating_files`, one row at a time.

    Args:
        content: The file.
        method: supervised, dpo or reinforcement.
        param: Job parameter of the file, for the problem. A `training_file` needs ten examples. No minimum is
            published for a `validation_file`, so one example is enough.
        context_length: Maximum length of an example in tokens, if known. Longer examples are truncated.
        service: Service whose rules apply.
    """
    examples = tokens = image_rows = 0
    for number, line in enumerate(_lines(content), start=1):
        if not line.strip():
            continue
        try:
            row = read_row(line, method, service)
        except RowFaultError as fault:
            return _format_problem(f"Line {number}: {fault}.", param)
        image_rows += bool(row.images())
        if image_rows > MAX_IMAGE_ROWS:
            return _format_problem(f"Line {number}: more than {MAX_IMAGE_ROWS} rows contain images.", param)
        examples += 1
        row_tokens = _count_tokens(row)
        tokens += row_tokens if context_length is None else min(row_tokens, context_length)
    required = MIN_EXAMPLES if param == "training_file" else 1
    return Summary(examples, tokens) if examples >= required else _too_few(examples, required, param)


def _lines(content: BinaryIO) -> Iterator[bytes]:
    line = content.readline(MAX_ROW_BYTES + 1).removeprefix(b"\xef\xbb\xbf")
    while line:
        yield line
        line = content.readline(MAX_ROW_BYTES + 1)


def _format_problem(detail: str, param: str) -> Problem:
    name = param.replace("_", " ")
    return Problem("invalid_file_format", f"The job failed due to an invalid {name}. {detail}", param)


def _too_few(examples: int, required: int, param: str) -> Problem:
    name = param.replace("_", " ").capitalize()
    message = f"{name} has {examples} example(s), but must have at least {required} example(s)"
    return Problem("invalid_n_examples", message, param)


def _count_tokens(row: Row) -> int:
    texts = sum(ceil(len(text) / 4) for text in row.texts())
    names = sum(message.get("name") is not None for message in row.messages)
    details = (image.get("detail", "auto") for image in row.images())
    images = sum(_IMAGE_TOKENS.get(detail, _FULL_IMAGE_TOKENS) for detail in details)
    overhead = _MESSAGE_TOKENS * len(row.messages) + _ROW_TOKENS
    return texts + names + images + overhead
