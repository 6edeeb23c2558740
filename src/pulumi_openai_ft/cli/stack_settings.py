"""Settings of commands that call the service: the configuration of the stack in the current project, and the environment.

A stack's settings include its secrets, which Pulumi decrypts. They stay in this process.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.cli import pulumi_cli
from pulumi_openai_ft.cli.notes import note
from pulumi_openai_ft.cli.project import Project, find_project_file
from pulumi_openai_ft.cli.pulumi_cli import Configuration
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

JOB_HELP = "id of the job, or name or URN of its resource in the stack"
"""Help of the argument JOB, which `look.job_choice` resolves."""
LONGEST_SILENCE = 30.0
"""Seconds without a byte from the service after which a command that only reads tries again."""


@dataclass(frozen=True)
class Selection:
    """The project and the stack that a command applies to.

    Attributes:
        folder: Folder of the project, or a folder inside it.
        stack: Name of the stack, or None for the selected stack.
    """

    folder: Path = Path()
    stack: str | None = None

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Selection:
        """Return the selection in the options that `add_selection` defines."""
        return cls(arguments.cwd, arguments.stack)

    @property
    def is_explicit(self) -> bool:
        """Return whether the user named the project or the stack."""
        return self.stack is not None or self.folder != Path()

    def project_folder(self) -> Path | None:
        """Return the folder of the project, or None if the folder is not in a project and the user named none.

        Raises:
            InputError: The user named a project or a stack that does not exist, or the project is invalid.
        """
        if not self.is_explicit and find_project_file(self.folder) is None:
            return None
        return Project.find(self.folder).folder

    def settings(self) -> Settings:
        """Return the settings. Without a readable stack, print the reason and use the environment only.

        Raises:
            InputError: The user named a stack whose configuration cannot be read.
            SettingsError: The settings are invalid.
        """
        values = self._configuration().values
        return Settings.resolve(values.get, keys=values)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client that only reads, and close its connections.

        Raises:
            InputError: The user named a stack whose configuration cannot be read.
            SettingsError: The settings are invalid, or the project key is missing.
        """
        settings = self.settings()
        settings.require_key(admin=False)
        impatient = replace(settings, timeout=min(settings.timeout, LONGEST_SILENCE))
        with closing(Client(impatient)) as client:
            yield client

    def _configuration(self) -> Configuration:
        try:
            folder = self.project_folder()
            if folder is None:
                return Configuration()
            return pulumi_cli.configuration(folder, self.stack, show_secrets=True)
        except InputError as error:
            if self.is_explicit:
                raise
            note(f"using the environment only, without the stack's configuration: {error}")
            return Configuration()


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that select a project and a stack."""
    parser.add_argument(
        "--cwd",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="folder of the Pulumi project whose stack's settings apply (default: the current folder)",
    )
    parser.add_argument("--stack", help="name of the stack (default: the selected stack)")
