"""Fast path for blocks of text-only rows. This code determines the speed of a check."""

from __future__ import annotations

from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from pulumi_openai_ft._training_data.repeated_keys import plain_rows_repeat_keys
from pulumi_openai_ft._training_data.row_types import PlainAssistant, PlainDeveloper, PlainSystem
from pulumi_openai_ft._training_data.token_texts import MESSAGE_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._training_data.row_types import Plain
    from pulumi_openai_ft._training_data.tokens import Batch

SHARED = frozenset({PlainSystem, PlainDeveloper})
"""Types of messages whose texts are often the same in many rows."""

_messages = attrgetter("messages")


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
    if (PlainAssistant, PlainAssistant) in pairwise(map(type, messages)):
        return False
    texts = [message.content for message in messages if type(message) not in SHARED]
    common = [message.content for message in messages if type(message) in SHARED]
    if not all(texts) or any(map(str.isspace, texts)):
        return False
    if any("\0" in text or ("|" in text and "<|" in text) for text in chain(texts, common)):
        return False
    if plain_rows_repeat_keys(lines, messages, chain(texts, common)):
        return False
    batch.texts += texts
    batch.common += common
    batch.tokens += MESSAGE_TOKENS * len(messages)
    return True
