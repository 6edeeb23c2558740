"""Choice of the files of a repository to download: never pickled weights, and never code."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_INDEX, _SINGLE = "model.safetensors.index.json", "model.safetensors"
_PART = re.compile(r"model-\d+-of-\d+\.safetensors")
_SETTINGS = re.compile(r"[^/]+\.(json|jinja)|merges\.txt|vocab\.txt|tokenizer\.model")
_PICKLED = re.compile(r"[^/]+\.(bin|pt|pth|ckpt|pkl)")


PART = ".part"
"""Suffix of a file that is not complete."""


class DownloadError(Exception):
    """The download failed for a reason that a person can resolve. The message is a clause that contains the next step."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository.

    Attributes:
        name: Path in the repository.
        size: Number of bytes.
        sha256: Hash of the content, which the hub has for large files only.
    """

    name: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True)
class Selection:
    """The files to download: first the settings and the tokenizer, then the weights."""

    settings: list[RemoteFile]
    weights: list[RemoteFile]

    @property
    def size(self) -> int:
        """Return the number of bytes of all files."""
        return sum(file.size for file in (*self.settings, *self.weights))


def select(repository: str, files: Sequence[RemoteFile]) -> Selection:
    """Return the files to download. Raise `DownloadError` if the repository has no weights as safetensors."""
    names = {file.name for file in files}
    weights = [file for file in files if _PART.fullmatch(file.name)] if _INDEX in names else []
    weights = weights or [file for file in files if file.name == _SINGLE]
    if not weights:
        raise DownloadError(_without_weights(repository, names))
    return Selection([file for file in files if _SETTINGS.fullmatch(file.name)], weights)


def present_size(folder: Path, file: RemoteFile) -> int:
    """Return the number of bytes of a file that are downloaded."""
    for name in (
        f"{file.name}{PART}",
        file.name,
    ):  # in this order, because the first is renamed to the second
        with suppress(FileNotFoundError):
            return (folder / name).stat().st_size
    return 0


def _without_weights(repository: str, names: set[str]) -> str:
    if "adapter_config.json" in names:
        return f"{repository} is an adapter: name its base model instead"
    pickled = sorted(name for name in names if _PICKLED.fullmatch(name))
    found = f"only {pickled[0]}, which may contain code" if pickled else "no weights"
    return f"{repository} contains {found}: use a model in the format safetensors"
