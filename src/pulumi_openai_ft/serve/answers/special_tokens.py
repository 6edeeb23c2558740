"""Special tokens of a base model, read from the files of its tokenizer without loading the model."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@lru_cache(maxsize=64)
def special_tokens(base_path: Path) -> frozenset[str]:
    """Return the special tokens of a base model. Texts that contain one could imitate the chat template.

    Raises:
        OSError: The folder cannot be read.
        ValueError: A file is not valid JSON, or the folder has no tokenizer.
    """
    files = {name: path for name in _FILES if (path := base_path / name).exists()}
    if not files:
        raise ValueError(f"{base_path} has no tokenizer.")
    contents = {name: json.loads(path.read_text("utf-8")) for name, path in files.items()}
    tokens = set(_special(contents.get("tokenizer.json", {}).get("added_tokens") or ()))
    tokens |= set(_configured(contents.get("tokenizer_config.json", {})))
    tokens |= set(_configured(contents.get("special_tokens_map.json", {})))
    return frozenset(tokens - {""})


def first_special_token(value: Any, tokens: frozenset[str], path: str) -> tuple[str, str] | None:
    """Return the first special token in the texts of a JSON value, and its path; None if there is none."""
    for place, text in _texts(value, path):
        for token in tokens:
            if token in text:
                return token, place
    return None


def _special(entries: Any) -> Iterator[str]:
    return (entry["content"] for entry in entries if entry.get("special"))


def _configured(config: dict[str, Any]) -> Iterator[str]:
    yield from _special((config.get("added_tokens_decoder") or {}).values())
    for name, value in config.items():
        if name.endswith("_token"):
            yield _content(value)
        elif name in ("additional_special_tokens", "extra_special_tokens"):
            yield from map(_content, value.values() if isinstance(value, dict) else value or ())


def _content(token: Any) -> str:
    """Return the text of a token, which a configuration writes as a string or as an object; otherwise an empty one."""
    text = token.get("content") if isinstance(token, dict) else token
    return text if isinstance(text, str) else ""


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, key
            yield from _texts(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
