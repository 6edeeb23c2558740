"""Fast path for blocks of text-only rows. This code determines the speed of a check."""

from __future__ import annotations

from itertools import chain, compress
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING

from pulumi_openai_ft._training_data.repeated_keys import plain_rows_repeat_keys
from pulumi_openai_ft._training_data.row_types import PlainAssistant, PlainDeveloper, PlainSystem, PlainUser
from pulumi_openai_ft._training_data.token_texts import MESSAGE_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._training_data.row_types import Plain
    from pulumi_openai_ft._training_data.tokens import Batch

SHARED, USER, ASSISTANT = range(3)
"""Codes of messages. The texts of shared ones are often the same in many rows."""
CODES: dict[type, int] = {
    PlainSystem: SHARED,
    PlainDeveloper: SHARED,
    PlainUser: USER,
    PlainAssistant: ASSISTANT,
}
IS_SHARED = bytes.maketrans(bytes([SHARED, USER, ASSISTANT]), b"\1\0\0")
TWO_REPLIES = bytes([ASSISTANT, ASSISTANT])

_messages, _contains_nul = attrgetter("messages"), methodcaller("__contains__", "\0")


def collect_plain_rows(rows: Sequence[Plain], lines: Sequence[bytes], batch: Batch) -> bool:
    """Add the texts of text-only rows to a batch, unless a row needs a full check.

    Args:
        rows: The rows.
        lines: The lines of the rows.
        batch: The batch.

    Returns:
        Whether the texts were added. If not, the batch is unchanged.
    """
    if {type(row.messages[-1]) for row in rows} != {PlainAssistant}:
        return False
    messages = list(chain.from_iterable(map(_messages, rows)))
    codes = bytes(map(CODES.__getitem__, map(type, messages)))
    if TWO_REPLIES in codes:
        return False
    contents = [message.content for message in messages]
    texts, common = [*compress(contents, codes)], [*compress(contents, codes.translate(IS_SHARED))]
    if not all(texts) or any(map(str.isspace, texts)):
        return False
    if any("<|" in content for content in contents if "|" in content):
        return False
    if any(map(_contains_nul, contents)) or plain_rows_repeat_keys(lines, messages, contents):
        return False
    batch.texts += texts
    batch.common += common
    batch.tokens += MESSAGE_TOKENS * len(messages)
    return True
