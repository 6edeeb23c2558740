"""Search for keys that an object has more than once, of which decoders keep only the last."""

from __future__ import annotations

from functools import lru_cache
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.json import decode, encode

from pulumi_openai_ft._training_data.row_rules import UnreadableRowError, parse_row
from pulumi_openai_ft._training_data.row_types import (
    NOTHING,
    Assistant,
    PlainAssistant,
    Preference,
    ToolResult,
    additional_values,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from msgspec import Raw

    from pulumi_openai_ft._training_data.row_types import PlainMessage, Row

_colons, _colons_in_bytes = methodcaller("count", ":"), methodcaller("count", b":")
KEYS_OF_CALL = 5
KEYS_OF_PART = 2


def plain_rows_repeat_keys(
    lines: Sequence[bytes], messages: Sequence[PlainMessage], contents: Iterable[str]
) -> bool:
    """Return whether the lines of text-only rows may repeat a key.

    Each colon in a line ends a key or is part of a text. A colon that is written as an escape only leads to a full
    check.

    Args:
        lines: The lines of the rows.
        messages: The messages of all rows.
        contents: The contents of all messages, joined or not.
    """
    keys: int = sum(map(_colons_in_bytes, lines)) - sum(map(_colons, contents))
    expected = len(lines) + 2 * len(messages)
    if keys == expected:
        return False
    weights = sum(type(one) is PlainAssistant and one.weight is not UNSET for one in messages)
    return keys != expected + weights


def may_repeat_keys(lines: Sequence[bytes], rows: Sequence[Row], texts: Iterable[str], keys: int) -> bool:
    """Return whether the lines of rows may repeat a key.

    As in `plain_rows_repeat_keys`, each colon in a line ends a key or is part of a text, or of a value that is not
    decoded, whose own keys are compared with those of its decoded form.

    Args:
        lines: The lines of the rows.
        rows: The rows.
        texts: The texts of the rows.
        keys: The number of keys of the rows and of colons in other values, without additional keys.
    """
    expected: int = keys + sum(map(_colons, texts))
    if values := [*map(bytes, additional_values(rows))]:
        objects = b"[%b]" % b",".join(value for value in values if b"{" in value)
        if encode(decode(objects)).count(b":") != objects.count(b":"):
            return True
        expected += len(values) + sum(map(_colons_in_bytes, values))
    return b"\n".join(lines).count(b":") != expected


def repeats_keys(line: bytes, row: Row) -> bool:
    """Return whether the line of a row repeats a key. The line is parsed only if the row has optional keys."""
    if _number_of_keys(line) == _certain_keys(row):
        return False
    repeated: list[str] = []
    try:
        parse_row(line, repeated)
    except UnreadableRowError:
        return True
    return bool(repeated)


def _number_of_keys(text: bytes) -> int:
    """Return the number of keys in JSON without white space before colons.

    A quote and a colon end a key, unless the quote is escaped. Other keys lead to a number that matches no row.
    """
    return text.count(b'":') - text.count(b'\\":')


def _certain_keys(row: Row) -> int:
    """Return the number of keys that a row certainly has. A key with a default value may be missing."""
    if isinstance(row, Preference):
        outputs = (*row.preferred_output, *row.non_preferred_output)
        return 3 + _prompt_keys(row.input) + sum(map(_message_keys, outputs))
    return _prompt_keys(row)


def _prompt_keys(prompt: Any) -> int:
    keys = 1 + (prompt.parallel_tool_calls is not UNSET) + sum(map(_message_keys, prompt.messages))
    for raw in (prompt.tools, prompt.functions):
        if raw is not NOTHING:
            keys += 1 + _keys_of_declarations(raw)
    return keys


def _message_keys(message: Any) -> int:
    """Return the number of keys of a message, where the role is always written."""
    keys = 1 + (message.content is not UNSET) + (message.name is not None) + (type(message) is ToolResult)
    if isinstance(message.content, list):
        keys += KEYS_OF_PART * len(message.content)
    if type(message) is Assistant:
        keys += (message.weight is not UNSET) + (message.refusal is not None)
        keys += 1 + KEYS_OF_CALL * len(message.tool_calls) if message.tool_calls else 0
    return keys


def _keys_of_declarations(raw: Raw) -> int:
    return _cached_keys(bytes(raw))


@lru_cache(maxsize=64)
def _cached_keys(raw: bytes) -> int:
    """Return the number of keys in tool declarations, or a number that matches no row if a key is repeated."""
    repeated: list[str] = []
    parse_row(raw, repeated)
    return -len(raw) if repeated else _number_of_keys(raw)
