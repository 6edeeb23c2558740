"""The newest jobs of the service, as a preview lists them: a single request for all previewed jobs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pulumi_openai_ft._provider.job.lookup import ENDED_WITHOUT_MODEL, PAGE
from pulumi_openai_ft._shared.state_names import CONTENT_KEY, RESOURCE_KEY, TOKEN_KEY

if TYPE_CHECKING:
    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._provider.job.idempotency import JobKeys


@dataclass(frozen=True, slots=True)
class ExistingJobs:
    """The newest jobs of a service that have or may get a model.

    Attributes:
        jobs: The jobs, newest first. Older jobs than those of a single request are missing.
    """

    jobs: tuple[Job, ...] = ()

    @classmethod
    def listed(cls, api: Client) -> ExistingJobs:
        """List the jobs with a single request."""
        size = PAGE if api.settings.profile.supports("metadata") else 1
        jobs = islice(api.jobs(limit=size, unreadable=[]), size)
        return cls(tuple(job for job in jobs if job.status not in ENDED_WITHOUT_MODEL))

    def of_resource(self, keys: JobKeys) -> Job | None:
        """Return the newest job that the resource has created with the same inputs, under any of its names."""
        return next((job for job in self.jobs if _pair(job, TOKEN_KEY) in keys.of_resource), None)

    def of_another_resource(self, keys: JobKeys) -> tuple[Job, str | None] | None:
        """Return the newest job of another resource with the same content, and the identity of that resource."""
        found = next((job for job in self.jobs if _pair(job, CONTENT_KEY) == keys.content), None)
        return (found, _pair(found, RESOURCE_KEY)) if found else None


def _pair(job: Job, name: str) -> str | None:
    return (job.metadata or {}).get(name)
