"""Choice of the files to import."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pulumi_openai_ft.cli.imports.import_list import Omission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_openai_ft._client.objects import FileObject, Job
    from pulumi_openai_ft.cli.imports.job_choice import Filters

TRAINING_PURPOSE = "fine-tune"
_ERROR = "error"


def choose_files(
    files: Sequence[FileObject], jobs: Sequence[Job], filters: Filters
) -> tuple[list[FileObject], list[Omission]]:
    """Return the files to import, and the omissions.

    These are the files that jobs use and, unless the user named models, unused files for training.

    Args:
        files: All files that exist.
        jobs: The jobs to import.
        filters: The filters.
    """
    users = _users(jobs)
    existing = {file.id for file in files}
    deleted = [
        Omission(id_, f"no longer exists; used by {_enumerated(ids)}")
        for id_, ids in users.items()
        if id_ not in existing
    ]
    wanted = [file for file in files if file.id in users or _is_unused_training_data(file, filters)]
    invalid = [Omission(file.id, "rejected by the service") for file in wanted if file.status == _ERROR]
    return [file for file in wanted if file.status != _ERROR], [*deleted, *invalid]


def _users(jobs: Sequence[Job]) -> Mapping[str, list[str]]:
    """Return the ids of the jobs that use each file."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for job in jobs:
        for file in {job.training_file, job.validation_file} - {None}:
            users[str(file)].append(job.id)
    return users


def _is_unused_training_data(file: FileObject, filters: Filters) -> bool:
    return filters.job_ids is None and file.purpose == TRAINING_PURPOSE and filters.match_time(file)


def _enumerated(ids: Sequence[str]) -> str:
    """Return the first of several ids and the number of the others."""
    others = len(ids) - 1
    return f"{ids[0]} and {others} other job{'s' if others > 1 else ''}" if others else ids[0]
