"""The jobs of a stack: the jobs in its state, and the jobs that `pulumi up` is creating.

A job that `pulumi up` waits for has no id in the state yet. It is found by the identity of its resource, which the
provider stores in the metadata of the job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.state_names import IDENTITY, JOB_TYPE, RESOURCE_KEY
from pulumi_openai_ft._shared.urns import name_of
from pulumi_openai_ft.cli import pulumi_cli

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft.cli.stack_settings import Selection


@dataclass(frozen=True)
class JobResource:
    """A job in the state of a stack.

    Attributes:
        urn: URN of the resource.
        owners: URNs of the components that contain it, such as a `FineTunedModel`.
        job_id: Id of the job, or None while `pulumi up` is creating it.
        identity: Identity of the resource in the metadata of its jobs, or None for an imported resource.
    """

    urn: str
    owners: tuple[str, ...]
    job_id: str | None
    identity: str | None

    def is_named(self, name: str) -> bool:
        """Return whether a name or URN is that of the resource or of a component that contains it."""
        return any(name in (urn, name_of(urn)) for urn in (self.urn, *self.owners))

    def owns(self, job: Job) -> bool:
        """Return whether a job was created for the resource."""
        identity = (job.metadata or {}).get(RESOURCE_KEY)
        return job.id == self.job_id or (identity is not None and identity == self.identity)


def job_resources(selection: Selection) -> list[JobResource]:
    """Return the jobs of the selected stack. Without a project, there are none.

    Raises:
        InputError: Pulumi cannot export the state.
    """
    folder = selection.project_folder()
    return [] if folder is None else resources_in(pulumi_cli.state(folder, selection.stack))


def resources_in(state: Mapping[str, Any]) -> list[JobResource]:
    """Return the jobs in an exported state. A job that is being created takes the place of its predecessor."""
    deployment = state.get("deployment") or {}
    pending = [entry.get("resource") or {} for entry in deployment.get("pending_operations") or ()]
    resources = [entry for entry in deployment.get("resources") or () if not entry.get("delete")]
    parents = {entry["urn"]: entry.get("parent") for entry in (*resources, *pending) if "urn" in entry}
    found = {
        entry["urn"]: JobResource(
            entry["urn"],
            tuple(_ancestors(entry["urn"], parents)),
            entry.get("id") or None,
            (entry.get("inputs") or {}).get(IDENTITY),
        )
        for entry in (*resources, *pending)
        if entry.get("type") == JOB_TYPE
    }
    return list(found.values())


def _ancestors(urn: str, parents: Mapping[str, str | None]) -> Iterable[str]:
    """Yield the components above a resource. The stack, which contains everything, is omitted."""
    while (parent := parents.get(urn)) and parents.get(parent, "") is not None and parent in parents:
        yield parent
        urn = parent
