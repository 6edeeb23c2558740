"""The jobs to export and their files, as the service returns them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

DATA = "data"
"""Folder of the files in the project."""
_LONGEST_STEM, _LONGEST_SUFFIX = 80, 20
_DEFAULT_SUFFIX = ".jsonl"


@dataclass(frozen=True)
class DataFile:
    """A file that jobs train on, or validate with.

    Attributes:
        id: Id of the file at the service.
        path: Path in the exported project.
        filename: Name at the service, if known.
        size: Size in bytes, if known.
        exists: Whether the service still has the file.
    """

    id: str
    path: str
    filename: str | None = None
    size: int | None = None
    exists: bool = True

    @property
    def description(self) -> str:
        """Return the id, with the name and the size if they are known."""
        facts = [repr(self.filename)] if self.filename else []
        facts += [f"{self.size:,} bytes"] if self.size is not None else []
        return f"{self.id} ({', '.join(facts)})" if facts else self.id


def in_training_order(jobs: Iterable[Job]) -> list[Job]:
    """Return jobs in an order in which each follows the job whose model it continues to train.

    Raises:
        InputError: The service does not return a job's model or training file.
    """
    left = [_complete(job) for job in jobs]
    ordered: list[Job] = []
    while left:
        models = {job.fine_tuned_model for job in left if job.fine_tuned_model}
        ready = [job for job in left if job.model not in models - {job.fine_tuned_model}] or left
        ordered += ready
        ids = {job.id for job in ready}
        left = [job for job in left if job.id not in ids]
    return ordered


def _complete(job: Job) -> Job:
    for name in ("model", "training_file"):
        if not getattr(job, name):
            raise InputError(
                f"{job.id}: the service does not return its {name}, so it cannot be trained again"
            )
    return job


def read_files(api: Client, jobs: Iterable[Job]) -> list[DataFile]:
    """Return the files of jobs, each once, with different paths.

    Raises:
        ServiceError: The service returned an error other than that a file does not exist.
    """
    ids = dict.fromkeys(id_ for job in jobs for id_ in (job.training_file, job.validation_file) if id_)
    found: list[DataFile] = []
    for id_ in ids:
        taken = {file.path.lower() for file in found}
        try:
            file = api.file(id_)
        except NotFoundError:
            found.append(DataFile(id_, safe_path(None, id_, taken), exists=False))
        else:
            found.append(DataFile(id_, safe_path(file.filename, id_, taken), file.filename, file.bytes))
    return found


def safe_path(filename: str | None, id_: str, taken: Collection[str]) -> str:
    """Return a path that every file system accepts, from the name at the service.

    Args:
        filename: Name at the service, if known.
        id_: Id of the file, for a file without a name.
        taken: Paths of other files, in lowercase.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", filename or id_).lstrip("._-") or "file"
    stem, dot, suffix = name.rpartition(".")
    stem, suffix = (
        (stem, f".{suffix[:_LONGEST_SUFFIX]}") if dot and suffix else (name.rstrip("."), _DEFAULT_SUFFIX)
    )
    stem = stem[:_LONGEST_STEM]
    path, number = f"{DATA}/{stem}{suffix}", 2
    while path.lower() in taken:
        path, number = f"{DATA}/{stem}-{number}{suffix}", number + 1
    return path
