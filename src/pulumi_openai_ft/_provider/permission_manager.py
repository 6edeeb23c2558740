"""Operations on checkpoint permissions: list, create, delete. They need few requests with the admin key."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from pulumi_openai_ft._provider.adoption import AdoptedIds
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.lost_response import LOOKUP_SECONDS, SPARSE_LOOKUP_DELAYS, poll_until_found
from pulumi_openai_ft.errors import (
    InputError,
    InvalidResponseError,
    NotFoundError,
    RequestError,
    ServiceConnectionError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Permission

CHECKPOINT_ID = ("ftckpt_", "ftchkpt-")
"""Prefixes of checkpoint ids at OpenAI and Azure."""
JOBS_TO_SEARCH = 50
OK = 200
LIST_TTL = 30.0
"""Seconds for which a checkpoint's list of permissions is reused."""


@dataclass(slots=True)
class _Listed:
    lock: Lock = field(default_factory=Lock)
    listed_at: float = float("-inf")
    found: list[Permission] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def require_complete(self, checkpoint: str, projects: set[str] | None) -> None:
        """Raise `InvalidResponseError` if an unreadable permission may be one of the projects that were not found."""
        found = {permission.project_id for permission in self.found}
        if self.unreadable and (projects is None or not projects <= found):
            raise InvalidResponseError(
                f"the list of permissions of {checkpoint} has a permission that cannot be read ({self.unreadable[0]}), "
                f"so it is not known which projects have access: report the response to the service's support; "
                f"nothing was changed",
                status=OK,
                may_have_acted=False,
            )


@dataclass(slots=True)
class PermissionManager:
    """A manager of the checkpoint permissions of a service.

    Attributes:
        api: The client.
        host: The host, for clock and sleep.
        adopted: Ids of permissions that a new resource adopted instead of creating them.
    """

    api: Client
    host: Host = field(default_factory=Host)
    adopted: AdoptedIds = field(default_factory=AdoptedIds)
    _lists: defaultdict[str, _Listed] = field(default_factory=lambda: defaultdict(_Listed))

    def list_for(
        self, checkpoint: str, project_ids: Iterable[str] | None, *, fresh: bool = False
    ) -> list[Permission]:
        """Return the permissions of a checkpoint for some projects.

        Args:
            checkpoint: Name of the checkpoint.
            project_ids: The projects, or None for all.
            fresh: Whether to send a request even if the last list is younger than `LIST_TTL` seconds.

        Raises:
            InvalidResponseError: A project was not found, but the list has a permission that cannot be read.
        """
        listed, projects = self._lists[checkpoint], None if project_ids is None else set(project_ids)
        with listed.lock:
            if fresh or self.host.time.clock() - listed.listed_at > LIST_TTL:
                listed.unreadable = []
                listed.found = self._list(checkpoint, listed.unreadable)
                listed.listed_at = self.host.time.clock()
            listed.require_complete(checkpoint, projects)
            return [found for found in listed.found if projects is None or found.project_id in projects]

    def grant(
        self, checkpoint: str, project_ids: Iterable[str], own: Collection[str] = ()
    ) -> list[Permission]:
        """Create the missing permissions in a single request, and return the permissions of all these projects.

        Args:
            checkpoint: Name of the checkpoint.
            project_ids: The projects.
            own: Ids of permissions that the resource already has. Other existing permissions are adopted.
        """
        projects = list(dict.fromkeys(project_ids))
        existing = self.list_for(checkpoint, projects)
        for permission in existing:
            if permission.id not in own:
                self.adopted.add(permission.id)
        missing = [project for project in projects if project not in {found.project_id for found in existing}]
        return existing + (self._create(checkpoint, missing) if missing else [])

    def revoke(self, checkpoint: str, permission_ids: Mapping[str, str]) -> None:
        """Delete permissions.

        Permissions that no longer exist are ignored.

        Args:
            checkpoint: Name of the checkpoint.
            permission_ids: Ids of the permissions by project, `{"proj_…": "cp_…"}`.
        """
        for permission_id in permission_ids.values():
            if self.adopted.was_adopted(permission_id):
                continue
            with suppress(NotFoundError):
                self.api.revoke_permission(checkpoint, permission_id)
            listed = self._lists[checkpoint]
            with listed.lock:
                listed.found = [found for found in listed.found if found.id != permission_id]

    def resolve_name(self, checkpoint: str) -> str:
        """Return the name of a checkpoint, given its name or id.

        The API accepts only names. An id is looked up in the checkpoints of the newest jobs.

        Raises:
            InputError: The newest jobs have no checkpoint with this id.
        """
        if not checkpoint.startswith(CHECKPOINT_ID):
            return checkpoint
        for job in islice(self.api.jobs(unreadable=[]), JOBS_TO_SEARCH):
            for found in self.api.checkpoints(job.id, unreadable=[]) if job.fine_tuned_model else ():
                if found.id == checkpoint:
                    return found.fine_tuned_model_checkpoint
        raise InputError(
            f"checkpoint_id: {checkpoint!r} was not found among the checkpoints of the {JOBS_TO_SEARCH} newest jobs: "
            f"use the checkpoint's name, ft:… (its `fine_tuned_model_checkpoint` field)"
        )

    def _list(self, checkpoint: str, unreadable: list[str]) -> list[Permission]:
        try:
            return list(self.api.permissions(checkpoint, unreadable=unreadable))
        except NotFoundError:
            return []

    def _create(self, checkpoint: str, project_ids: list[str]) -> list[Permission]:
        self.host.raise_if_interrupted()
        try:
            created = self.api.grant_permissions(checkpoint, project_ids)
        except RequestError as error:
            if not error.may_have_acted:
                raise
            return self._recover_lost_create(checkpoint, project_ids, error)
        if missing := set(project_ids) - {permission.project_id for permission in created}:
            incomplete = _incomplete_grant(checkpoint, missing)
            return self._recover_lost_create(checkpoint, project_ids, incomplete)
        listed = self._lists[checkpoint]
        with listed.lock:
            listed.found = [*listed.found, *created]
        return created

    def _recover_lost_create(
        self, checkpoint: str, project_ids: list[str], error: RequestError
    ) -> list[Permission]:
        def search() -> list[Permission] | None:
            existing = self.list_for(checkpoint, project_ids, fresh=True)
            projects = {permission.project_id for permission in existing}
            return existing if projects == set(project_ids) else None

        found = poll_until_found(search, self.host.time, SPARSE_LOOKUP_DELAYS)
        if found is None:
            raise ServiceConnectionError(
                f"no response to the request to share {checkpoint} with {', '.join(project_ids)}, and no matching "
                f"permissions appeared within {LOOKUP_SECONDS:.0f} s: {error}. Run the command again: permissions that appear later are adopted",
                may_have_acted=True,
            ) from error
        return found


def _incomplete_grant(checkpoint: str, missing: set[str]) -> RequestError:
    return InvalidResponseError(
        f"the response to the request to share {checkpoint} does not have the permission of "
        f"{', '.join(sorted(missing))}",
        status=OK,
    )
