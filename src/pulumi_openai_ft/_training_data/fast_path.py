"""Rows that hold texts and nothing else, many at a time. Each step shows in the speed."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from pulumi_openai_ft._training_data.row_types import PlainAssistant, PlainDeveloper, PlainSystem
from pulumi_openai_ft._training_data.token_texts import MESSAGE_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._training_data.row_types import Plain
    from pulumi_openai_ft._training_data.tokens import Batch

SHARED = frozenset({PlainSystem, PlainDeveloper})
"""Messages whose texts many rows have in common."""

_messages = attrgetter("messages")


def collect_plain_rows(rows: Sequence[Plain], batch: Batch) -> bool:
    """Puts into a batch what becomes tokens of plain rows, unless one of them has to be looked at more closely."""
    if {type(row.messages[-1]) for row in rows} != {PlainAssistant}:
        return False
    messages = list(chain.from_iterable(map(_messages, rows)))
    texts = [message.content for message in messages if type(message) not in SHARED]
    common = [message.content for message in messages if type(message) in SHARED]
    if any("<|" in text for text in chain(texts, common) if "|" in text):
        return False
    batch.texts += texts
    batch.common += common
    batch.tokens += MESSAGE_TOKENS * len(messages)
    return True
