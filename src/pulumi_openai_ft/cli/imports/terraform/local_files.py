"""Local files that Terraform uploaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LocalFiles:
    """Local files of a Terraform configuration, as seen from a Pulumi program.

    Attributes:
        terraform: Folder in which Terraform ran. Paths in its state are relative to it.
        program: Folder of the program.
    """

    terraform: Path
    program: Path

    def problem(self, path: str, size: object) -> str | None:
        """Return the reason why the program cannot name a file, or None.

        A program that names a file with other content would upload it and train again.

        Args:
            path: Path in the state.
            size: Size of the uploaded file in bytes, or another value if it is unknown.
        """
        try:
            actual = (self.terraform / path).stat().st_size if (self.terraform / path).is_file() else None
        except (OSError, ValueError):
            actual = None
        if actual is None:
            return "does not exist"
        if isinstance(size, int) and size != actual:
            return f"has {actual:,} bytes, but {size:,} bytes were uploaded"
        return None

    def from_program(self, path: str) -> str:
        """Return the path of a file, relative to the program. An absolute path stays absolute."""
        if os.path.isabs(path):  # noqa: PTH117 - the path as Terraform's configuration wrote it
            return path
        return os.path.relpath(self.terraform.resolve() / path, self.program.resolve())
