"""The steps of an export: read, check the contents, download, write the project."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pulumi_openai_ft.cli.export import contents
from pulumi_openai_ft.cli.export.account import in_training_order, read_files
from pulumi_openai_ft.cli.export.exported_project import MANIFEST, ExportedProject
from pulumi_openai_ft.cli.export.progress import NAME, ExportProgress
from pulumi_openai_ft.cli.look.job_choice import find_jobs
from pulumi_openai_ft.cli.new import PROGRAM
from pulumi_openai_ft.errors import OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft.cli.export.account import DataFile
    from pulumi_openai_ft.cli.stack_settings import Selection


@dataclass(frozen=True)
class ExportRequest:
    """The options of an export.

    Attributes:
        jobs: Ids of the jobs, or names or URNs of their resources in the stack.
        folder: Folder of the new project.
        copies: Local copies of files by their ids.
        allows_missing: Whether to export without the contents that the service does not return.
    """

    jobs: tuple[str, ...]
    folder: Path
    copies: Mapping[str, Path]
    allows_missing: bool


def run(selection: Selection, request: ExportRequest) -> int:
    """Export jobs, and print the next steps.

    Returns:
        The exit code: 0, or 1 if contents are missing.

    Raises:
        OpenAIFTError: The settings, a job or the folder are invalid, or the service returned an error.
    """
    with selection.client() as api:
        jobs = in_training_order(find_jobs(api, selection, request.jobs))
        return _Export(api, request, jobs).run()


class _Export:
    def __init__(self, api: Client, request: ExportRequest, jobs: Sequence[Job]) -> None:
        self.api, self.request, self.jobs = api, request, jobs
        self.progress = ExportProgress(request.folder, _address(api), [job.id for job in jobs])

    def run(self) -> int:
        self.progress.open()
        files = read_files(self.api, self.jobs)
        contents.require_copies(self.request.copies, files)
        missing = self._missing(files)
        if missing and not (self.request.allows_missing or _confirmed()):
            _print_next_step(missing)
            return 1
        project = ExportedProject(self.jobs, files, self.api.settings.profile, missing)
        project.write(self.request.folder, self._saved([file for file in files if file.id not in missing]))
        self.progress.finish()
        print("\n".join(_next_steps(project, self.request.folder)))
        return 0

    def _missing(self, files: Sequence[DataFile]) -> dict[str, str]:
        """Return the reason for each file without content by its id, and print the list."""
        missing = {
            file.id: reason
            for file in files
            if file.id not in self.request.copies
            and self.progress.digest(file) is None
            and (reason := contents.refusal(self.api, file))
        }
        if missing:
            print("These contents are missing:", file=sys.stderr)
        for file in files:
            if file.id in missing:
                print(f"  - {file.description}: {missing[file.id]}", file=sys.stderr)
        return missing

    def _saved(self, files: Sequence[DataFile]) -> dict[str, str]:
        """Save the contents, and return the SHA-256 of each by the id of the file."""
        self.progress.save()
        try:
            return {file.id: self._save(file) for file in files}
        except (KeyboardInterrupt, OpenAIFTError, OSError):
            print(
                f"The export is incomplete. To continue it, run the same command again ({NAME} records it).",
                file=sys.stderr,
            )
            raise

    def _save(self, file: DataFile) -> str:
        digest = self.progress.digest(file)
        if digest is None:
            target, source = self.request.folder / file.path, self.request.copies.get(file.id)
            digest = contents.copy(source, target) if source else contents.download(self.api, file, target)
            self.progress.record(file, digest)
        return digest


def _address(api: Client) -> str:
    """Return the address of the service without credentials and queries."""
    parts = urlsplit(api.settings.base_url)
    return f"{parts.hostname}:{parts.port or ''}{parts.path}"


def _confirmed() -> bool:
    """Ask whether to continue without the missing contents. Without a terminal, return False."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write("Export without them? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print_next_step(missing: Mapping[str, str]) -> None:
    copies = " ".join(f"--content {id_}=PATH" for id_ in missing)
    print(
        f"Nothing was written. Pass your local copies ({copies}), or export without these contents with "
        f"--without-contents.",
        file=sys.stderr,
    )


def _next_steps(project: ExportedProject, folder: Path) -> Iterator[str]:
    jobs, files = len(project.jobs), len(project.files) - len(project.missing)
    yield f"Exported {jobs} job{'s' * (jobs != 1)} and {files} file{'s' * (files != 1)} to {folder}."
    for note in project.notes():
        yield f"  - {note}"
    for file in project.files:
        if file.id in project.missing:
            yield f"  - copy the content of {file.description} to {folder / file.path}"
    yield "\nTo train them at another service, run these commands:\n"
    commands = (
        f"cd {shlex.quote(str(folder))}",
        "pulumi install",
        "pulumi stack init other",
        "pulumi config set openai-ft:service SERVICE",
        "pulumi config set openai-ft:baseUrl URL",
        "pulumi config set --secret openai-ft:apiKey",
        "pulumi preview",
        "pulumi up",
    )
    for number, command in enumerate(commands, 1):
        yield f"   {number}. {command}"
    yield f"\n`pulumi preview` shows the price; only `pulumi up` creates jobs. Check the models in {PROGRAM}: other services"
    yield f"have other names. {MANIFEST} lists the jobs and files for other tools."
