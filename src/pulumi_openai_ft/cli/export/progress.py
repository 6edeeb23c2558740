"""The progress of an export, in a file of its folder, from which an interrupted export continues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.cache_dir import atomic_write
from pulumi_openai_ft.cli.export.contents import sha256
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pulumi_openai_ft.cli.export.account import DataFile

NAME = ".openai-ft-export.json"
_MODE = 0o600


class ExportProgress:
    """The files that an export has written.

    Args:
        folder: Folder of the export.
        service: Address of the service, without credentials.
        jobs: Ids of the jobs.
    """

    def __init__(self, folder: Path, service: str, jobs: Iterable[str]) -> None:
        self._file, self._folder = folder / NAME, folder
        self._content: dict[str, Any] = {"service": service, "jobs": sorted(jobs), "files": {}}

    def open(self) -> None:
        """Continue an interrupted export of the same jobs, or begin a new export.

        Raises:
            InputError: The folder has other contents.
        """
        if self._folder.exists() and not self._folder.is_dir():
            raise InputError(f"{self._folder} is a file; pass the name of a new folder with --output")
        if self._file.is_file():
            self._continue()
        elif self._folder.is_dir() and any(self._folder.iterdir()):
            raise InputError(
                f"{self._folder} is not empty, and nothing is overwritten; pass the name of a new folder with --output"
            )

    def _continue(self) -> None:
        try:
            earlier = json.loads(self._file.read_bytes())
            is_same = all(earlier[name] == self._content[name] for name in ("service", "jobs"))
            files = {str(id_): str(digest) for id_, digest in earlier["files"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{self._file} is not readable; remove {self._folder} and run the command again"
            ) from error
        if not is_same:
            raise InputError(
                f"{self._folder} contains an unfinished export of other jobs; pass the name of a new folder with --output"
            )
        self._content["files"] = files

    def digest(self, file: DataFile) -> str | None:
        """Return the SHA-256 of a file that was written completely, or None."""
        recorded: str | None = self._content["files"].get(file.id)
        target = self._folder / file.path
        return recorded if recorded and target.is_file() and sha256(target) == recorded else None

    def record(self, file: DataFile, digest: str) -> None:
        """Record that a file is complete."""
        self._content["files"][file.id] = digest
        self.save()

    def save(self) -> None:
        """Write the progress to the folder."""
        atomic_write(self._file, json.dumps(self._content, indent=2).encode(), _MODE)

    def finish(self) -> None:
        """Remove the record: the export is complete."""
        self._file.unlink()
