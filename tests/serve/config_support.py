"""Configuration files and folders of base models for tests. The folders have no real weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_base_folder(folder: Path, *, context: int = 8192) -> Path:
    """Make a folder that looks like a base model to the checks of the configuration."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": context}))
    (folder / "model.safetensors").write_bytes(b"")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    return folder


def write_config(folder: Path, text: str = "", *, base: str = "") -> Path:
    """Write a configuration with one valid base model, followed by a text."""
    if not (folder / "model").exists():
        make_base_folder(folder / "model")
    path = folder / "serve.toml"
    path.write_text(f'{text}\n[[base]]\nid = "small"\npath = "model"\n{base}\n')
    return path
