"""Choice of the jobs to import."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from pulumi_openai_ft._provider.job.manager import FAILED
from pulumi_openai_ft.cli.imports.import_list import Omission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from pulumi_openai_ft._client.objects import FileObject, Job

_SUCCEEDED = "succeeded"


@dataclass(frozen=True)
class Filters:
    """The objects that the user asks for.

    Attributes:
        since: Only objects created on this day or later, in UTC.
        statuses: Only jobs with these statuses; empty for all that can be used.
        job_ids: Only these jobs, or None for all.
    """

    since: date | None = None
    statuses: frozenset[str] = frozenset()
    job_ids: frozenset[str] | None = None

    def match_time(self, item: Job | FileObject) -> bool:
        """Return whether an object is new enough. An object without a time of creation is."""
        if self.since is None or item.created_at is None:
            return True
        return item.created_at >= datetime.combine(self.since, time(), UTC).timestamp()

    def match(self, job: Job) -> bool:
        """Return whether the user asks for a job."""
        has_status = not self.statuses or job.status in self.statuses
        is_named = self.job_ids is None or job.id in self.job_ids
        return has_status and is_named and self.match_time(job)


def choose_jobs(
    jobs: Sequence[Job], filters: Filters, has_model: Callable[[Job], bool]
) -> tuple[list[Job], list[Omission]]:
    """Return the jobs to import, and the omissions among the jobs that the user asks for.

    Args:
        jobs: All jobs.
        filters: The filters.
        has_model: Returns whether the model of a job still exists.
    """
    matching = [job for job in jobs if filters.match(job)]
    reasons = {job.id: _reason(job, filters, has_model) for job in matching}
    omissions = [Omission(id_, reason) for id_, reason in reasons.items() if reason]
    return [job for job in matching if not reasons[job.id]], omissions


def _reason(job: Job, filters: Filters, has_model: Callable[[Job], bool]) -> str | None:
    """Return why a job is left out, or None."""
    if job.status in FAILED and job.status not in filters.statuses:
        return f"{job.status}, so it has no model; to list it, pass --status {job.status}"
    missing = [name for name in ("model", "training_file") if not getattr(job, name)]
    if missing:
        return f"the service does not return its {missing[0]}"
    if job.status == _SUCCEEDED and not has_model(job):
        return f"its model {job.fine_tuned_model} was deleted"
    return None
