"""Check the folder of a base model. Nothing in it is executed or unpickled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOWNLOADS = "bases"
"""Folder of the base models of hubs, in the data folder."""
_INDEX = "model.safetensors.index.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_TOKENIZER = "tokenizer.json"


def weight_problems(folder: Path) -> list[str]:
    """Return a sentence for each problem of a base model's folder. It need not exist."""
    try:
        return list(_problems(folder))
    except OSError as error:
        return [f"{folder} is not readable: {error.strerror}"]


def setting_problems(folder: Path) -> list[str]:
    """Return a sentence for each problem of a base model's files other than its weights."""
    try:
        return [*_faulty_configuration(folder), *_missing_template(folder)]
    except OSError as error:
        return [f"{folder} is not readable: {error.strerror}"]


def _problems(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        reason = "is a file" if folder.exists() else "does not exist"
        yield f"{folder} {reason}: name the folder that contains the model's safetensors files"
        return
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        yield f"{folder} contains an adapter: name the folder of its base model"
        return
    yield from _missing_weights(folder)
    yield from _faulty_configuration(folder)
    yield from _missing_template(folder)


def _missing_template(folder: Path) -> Iterator[str]:
    if not (folder / _TOKENIZER).is_file():
        yield f"{folder} contains no {_TOKENIZER}: copy it from the model's source"
    elif not _has_chat_template(folder):
        yield f"{folder} contains no chat template: use a model that was tuned for chat"


def _missing_weights(folder: Path) -> Iterator[str]:
    if (folder / _INDEX).is_file():
        listed = _json(folder / _INDEX).get("weight_map")
        parts = (
            {part for part in listed.values() if isinstance(part, str)} if isinstance(listed, dict) else set()
        )
        if missing := sorted(part for part in parts if not (folder / part).is_file()):
            yield f"{folder} lacks {missing[0]}, which {_INDEX} lists: copy the model again"
    elif not any(folder.glob("*.safetensors")):
        pickled = next((found.name for pattern in _PICKLED for found in folder.glob(pattern)), None)
        found = f"only {pickled}, which may contain code" if pickled else "no safetensors files"
        yield f"{folder} contains {found}: use a model in the format safetensors"


def _faulty_configuration(folder: Path) -> Iterator[str]:
    if not (folder / "config.json").is_file():
        yield f"{folder} contains no config.json: copy it from the model's source"
    elif not (configuration := _json(folder / "config.json")):
        yield f"{folder}/config.json is not a JSON object: copy the model again"
    elif "auto_map" in configuration:
        yield f"{folder}/config.json needs custom code (auto_map), which is never run: use another model"


def context_length(folder: Path) -> int | None:
    """Return the maximum number of tokens that a model's configuration states, or None if it states none."""
    length = _json(folder / "config.json").get("max_position_embeddings")
    return length if isinstance(length, int) and not isinstance(length, bool) else None


def _has_chat_template(folder: Path) -> bool:
    return (folder / "chat_template.jinja").is_file() or bool(
        _json(folder / "tokenizer_config.json").get("chat_template")
    )


def _json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or an empty object if the file contains no JSON object."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
