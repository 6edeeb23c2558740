"""What becomes tokens of a row that keeps the rules, but for which there is no type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._training_data.limits import IMAGE_TOKENS, WHOLE_IMAGE_TOKENS
from pulumi_openai_ft._training_data.message_rules import calls_of
from pulumi_openai_ft._training_data.token_texts import MESSAGE_TOKENS
from pulumi_openai_ft._training_data.tokens import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator


def speech_of(row: dict[str, Any], method: str) -> Batch:
    """What of a row becomes tokens, for any row without errors."""
    prompt = row["input"] if method == "dpo" else row
    messages = list(prompt["messages"])
    if method == "dpo":
        messages += [*row["preferred_output"], *row["non_preferred_output"]]
    images = [
        part["image_url"] for message in messages for part in _parts(message) if part["type"] == "image_url"
    ]
    tokens = MESSAGE_TOKENS * len(messages) + sum(message.get("name") is not None for message in messages)
    tokens += sum(IMAGE_TOKENS.get(image.get("detail", "auto"), WHOLE_IMAGE_TOKENS) for image in images)
    declared = [
        json.dumps(prompt[key], ensure_ascii=False, separators=(",", ":"))
        for key in ("tools", "functions")
        if prompt.get(key)
    ]
    texts = [_encodable(text) for message in messages for text in _texts(message)]
    return Batch(texts, list(map(_encodable, declared)), tokens, int(bool(images)))


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _texts(message: dict[str, Any]) -> Iterator[str]:
    yield from (message[key] for key in ("name", "refusal", "content") if isinstance(message.get(key), str))
    yield from (part[part["type"]] for part in _parts(message) if part["type"] != "image_url")
    for _, call in calls_of(message, ""):
        yield call["name"]
        yield call["arguments"]


def _encodable(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, of which no tokenizer can make a token."""
    return text if text.isascii() else text.encode(errors="replace").decode()
