"""The interface of engines, which run the processes that train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.serve.job_folder import JobFolder


class Engine(Protocol):
    """An engine that trains in job folders. No call may be slow: the training loop makes them for each run."""

    def start(self, folder: JobFolder, environment: Mapping[str, str]) -> None:
        """Start a trainer with additional environment variables.

        Raises:
            OSError: The trainer cannot be started.
        """

    def is_alive(self, folder: JobFolder) -> bool:
        """Return whether a trainer runs."""

    def exit_code(self, folder: JobFolder) -> int | None:
        """Return the exit code of the last trainer. None if it runs, or an earlier process of the server started it."""

    def stop(self, folder: JobFolder, *, kill: bool = False) -> None:
        """Ask a trainer to save and exit, or kill it."""

    def forget(self, folder: JobFolder) -> None:
        """Release the process of a run that has ended."""
