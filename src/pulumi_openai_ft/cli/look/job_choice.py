"""The jobs that a command is about: by their ids, by their resources in the stack, or because they are running."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.client import MAX_PAGE_SIZE
from pulumi_openai_ft._shared.state_names import RESOURCE_KEY
from pulumi_openai_ft._shared.suggestions import did_you_mean
from pulumi_openai_ft._shared.urns import name_of
from pulumi_openai_ft.cli.look.stack_jobs import JobResource, job_resources
from pulumi_openai_ft.cli.look.text import one_line, time_text
from pulumi_openai_ft.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft.cli.stack_settings import Selection

ID_PREFIX = "ftjob-"
MOST_CANDIDATES = 10
"""Number of jobs that an error lists."""


def find_job(api: Client, selection: Selection, name: str) -> Job:
    """Return the job with an id, or the current job of a resource.

    Args:
        api: The client.
        selection: The stack of the resource.
        name: Id of the job; or name or URN of the resource, or of a component that contains it.

    Raises:
        InputError: There is no such job, or the name belongs to several.
        OpenAIFTError: A request failed.
    """
    return _Finder(api, selection).find(name)


def find_jobs(api: Client, selection: Selection, names: Iterable[str]) -> list[Job]:
    """Return the jobs with ids or of resources, each once. The state of the stack is read at most once.

    Raises:
        InputError: One of the jobs does not exist, or its name belongs to several.
        OpenAIFTError: A request failed.
    """
    finder = _Finder(api, selection)
    return list({job.id: job for job in map(finder.find, names)}.values())


class _Finder:
    def __init__(self, api: Client, selection: Selection) -> None:
        self._api, self._selection = api, selection

    @cached_property
    def _resources(self) -> list[JobResource]:
        return job_resources(self._selection)

    def find(self, name: str) -> Job:
        if not name.strip():
            raise InputError(
                "the name of a job is empty; pass its id, or the name of its resource in the stack"
            )
        if name.startswith(ID_PREFIX):
            return self._api.job(name)
        named = [resource for resource in self._resources if resource.is_named(name)]
        if len(named) > 1:
            urns = "".join(f"\n  {resource.urn}" for resource in named)
            raise InputError(
                f"{name!r} is the name of several resources with a job; pass one of their URNs:{urns}"
            )
        return _job_of(self._api, named[0]) if named else self._with_id(name)

    def _with_id(self, name: str) -> Job:
        try:
            return self._api.job(name)
        except NotFoundError:
            raise InputError(
                f"{name!r} is neither the id of a job nor a resource of the stack with a job{self._advice(name)}"
            ) from None

    def _advice(self, name: str) -> str:
        if self._selection.project_folder() is None:
            return "; to name a resource, pass the folder of its project with --cwd"
        urns = (urn for resource in self._resources for urn in (resource.urn, *resource.owners))
        names = sorted({*map(name_of, urns)})
        return f"; the stack has {', '.join(names)}{did_you_mean(name, names)}" if names else ""


def find_running(api: Client, selection: Selection) -> Job:
    """Return the only running job among the newest jobs, or the only job that runs for the selected stack.

    Raises:
        InputError: No job is running, or several are. The message lists the candidates.
        OpenAIFTError: A request failed.
    """
    newest = _newest(api)
    running = [job for job in newest if not job.is_terminal]
    if not running:
        raise InputError(f"no job is running; pass the id of a job to see how it ended{_listed(newest)}")
    if len(running) == 1:
        return running[0]
    resources = _resources_if_readable(selection)
    of_stack = [job for job in running if any(resource.owns(job) for resource in resources)]
    if len(of_stack) != 1:
        raise InputError(
            f"{len(running)} jobs are running; pass one of their ids{_listed(of_stack or running)}"
        )
    return of_stack[0]


def _resources_if_readable(selection: Selection) -> list[JobResource]:
    """Return the jobs of the stack. Without a selected stack, there are none."""
    try:
        return job_resources(selection)
    except InputError:
        if selection.is_explicit:
            raise
        return []


def _job_of(api: Client, resource: JobResource) -> Job:
    """Return the newest job of a resource, which may still be missing in the state."""
    owned = [job for job in _newest(api, resource.identity) if resource.owns(job)]
    if resource.job_id and resource.job_id not in {job.id for job in owned}:
        owned.append(api.job(resource.job_id))  # adopted from a former name, or older than the newest jobs
    if not owned:
        raise InputError(f"the resource {name_of(resource.urn)!r} has no job yet; try again in a moment")
    return max(owned, key=lambda job: job.created_at or 0)


def _newest(api: Client, identity: str | None = None) -> list[Job]:
    """Return the newest jobs, with a single request; only the jobs of a resource if the service can select them."""
    can_select = identity is not None and api.settings.profile.supports("metadata_filter")
    query = {RESOURCE_KEY: identity} if can_select and identity else None
    return list(islice(api.jobs(metadata=query, unreadable=[]), MAX_PAGE_SIZE))


def _listed(jobs: Sequence[Job]) -> str:
    """Return lines that describe the newest of some jobs."""
    shown = ((job.id, job.status, time_text(job.created_at), job.model, job.requested_suffix) for job in jobs)
    lines = ["  ".join(one_line(text) for text in texts if text) for texts in islice(shown, MOST_CANDIDATES)]
    return ":" + "".join(f"\n  {line}" for line in lines) if lines else ""
