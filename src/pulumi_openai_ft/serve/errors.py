"""Errors of the command `openai-ft serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ServeError(Exception):
    """The service cannot do as asked. The message is for users and contains the next step."""


class ConfigError(ServeError):
    """The configuration file contains mistakes.

    Attributes:
        path: The file.
        mistakes: One sentence for each mistake, which begins with the key's path, such as `base[1].path`.
    """

    def __init__(self, path: Path, mistakes: Sequence[str]) -> None:
        self.path = path
        self.mistakes: tuple[str, ...] = tuple(mistakes)
        lines = "\n".join(f"  {mistake}" for mistake in self.mistakes)
        count = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__(f"{path} contains {count}:\n{lines}")
