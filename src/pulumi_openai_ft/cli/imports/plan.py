"""Plan of an import: the objects of an account that a stack does not manage yet, in the order of their use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from pulumi_openai_ft._provider.job.manager import JobManager
from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft.cli.imports.checkpoints import checkpoints_of, named_checkpoint
from pulumi_openai_ft.cli.imports.file_choice import choose_files
from pulumi_openai_ft.cli.imports.import_list import ImportEntry, ImportList, Omission
from pulumi_openai_ft.cli.imports.job_choice import Filters, choose_jobs
from pulumi_openai_ft.cli.imports.names import file_name, job_name, permission_name, renamed, unique_names
from pulumi_openai_ft.cli.imports.stack_objects import StackObjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import FileObject, Job
    from pulumi_openai_ft.cli.imports.checkpoints import Checkpoint
    from pulumi_openai_ft.cli.imports.permissions import PermissionSearch

DatedT = TypeVar("DatedT", "FileObject", "Job")


@dataclass(frozen=True)
class Plan:
    """The result of planning.

    Attributes:
        import_list: The resources to import.
        managed: Number of objects that the stack already manages.
    """

    import_list: ImportList
    managed: int


@dataclass
class Planner:
    """A planner of imports.

    Attributes:
        api: The client.
        stack: The objects of the stack.
        filters: The objects that the user asks for.
        models: Names of the models and checkpoints that the user asks for; empty for all.
        lists_files: Whether to list files.
        permission_search: The search for permissions, or None to list none.
    """

    api: Client
    stack: StackObjects = field(default_factory=StackObjects)
    filters: Filters = field(default_factory=Filters)
    models: tuple[str, ...] = ()
    lists_files: bool = False
    permission_search: PermissionSearch | None = None

    def plan(self) -> Plan:
        """Return the plan. It needs a request per page of the jobs, the models and the files.

        The search for permissions needs more.

        Raises:
            InputError: The user named an unknown model.
            OpenAIFTError: A request failed.
        """
        unreadable: list[str] = []
        jobs = _oldest_first(self.api.jobs(unreadable=unreadable))
        omissions = [Omission("a job", f"it cannot be read ({reason})") for reason in unreadable]
        named = [named_checkpoint(self.api, jobs, name) for name in self.models]
        filters = self._filters(named)
        chosen, left_out = choose_jobs(jobs, filters, JobManager(self.api).model_is_listed)
        omissions += left_out
        names = unique_names((job.id, job_name(job)) for job in jobs)
        entries = [
            *self._files(chosen, filters, omissions),
            *(ImportEntry(JOB_TYPE, names[job.id], job.id) for job in chosen),
            *self._permissions(chosen, named, names, omissions),
        ]
        new = [entry for entry in entries if not self.stack.manages(entry.type, entry.id)]
        return Plan(ImportList(tuple(self._with_free_names(new)), tuple(omissions)), len(entries) - len(new))

    def _filters(self, named: Sequence[Checkpoint]) -> Filters:
        job_ids = frozenset(checkpoint.job_id for checkpoint in named)
        return replace(self.filters, job_ids=job_ids) if self.models else self.filters

    def _files(
        self, jobs: Sequence[Job], filters: Filters, omissions: list[Omission]
    ) -> Iterator[ImportEntry]:
        if not self.lists_files:
            return
        unreadable: list[str] = []
        files = _oldest_first(self.api.files(unreadable=unreadable))
        omissions += [Omission("a file", f"it cannot be read ({reason})") for reason in unreadable]
        chosen, left_out = choose_files(files, jobs, filters)
        omissions += left_out
        names = unique_names((file.id, file_name(file)) for file in files)
        yield from (ImportEntry(FILE_TYPE, names[file.id], file.id) for file in chosen)

    def _permissions(
        self,
        jobs: Sequence[Job],
        named: Sequence[Checkpoint],
        names: dict[str, str],
        omissions: list[Omission],
    ) -> Iterator[ImportEntry]:
        """Yield the permissions of the named checkpoints of the jobs, or of all if the user named none."""
        if self.permission_search is None:
            return
        found = named or [checkpoint for job in jobs for checkpoint in checkpoints_of(self.api, job)]
        chosen = {job.id for job in jobs}
        shared, left_out = self.permission_search.find([one for one in found if one.job_id in chosen])
        omissions += left_out
        for checkpoint in shared:
            name = permission_name(names[checkpoint.job_id], checkpoint.step)
            yield ImportEntry(PERMISSION_TYPE, name, checkpoint.name)

    def _with_free_names(self, entries: Sequence[ImportEntry]) -> Iterator[ImportEntry]:
        """Yield the entries with names that the stack does not use for other resources of their type."""
        names = {}
        for type_ in (FILE_TYPE, JOB_TYPE, PERMISSION_TYPE):
            preferred = {(type_, entry.id): entry.name for entry in entries if entry.type == type_}
            names.update(renamed(preferred, self.stack.taken(type_)))
        return (replace(entry, name=names[entry.type, entry.id]) for entry in entries)


def _oldest_first(items: Iterable[DatedT]) -> list[DatedT]:
    return sorted(items, key=lambda item: (item.created_at or 0, item.id))
