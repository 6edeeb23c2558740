"""What is done with the permissions of checkpoints: list, grant, revoke, with few requests of the admin key."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from pulumi_openai_ft._provider.adoption import AdoptedIds
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.lost_response import poll_until_found
from pulumi_openai_ft.errors import InputError, NotFoundError, RequestError, ServiceConnectionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Permission

CHECKPOINT_ID = ("ftckpt_", "ftchkpt-")
"""How ids of checkpoints begin, at OpenAI and at Azure."""
JOBS_TO_SEARCH = 50
LIST_TTL = 30.0
"""Seconds for which a checkpoint's list of permissions is used again."""
LOOKUP_DELAYS = (0.0, 2.0, 8.0)
"""Seconds before each look for grants whose creation was not answered: admin calls are rationed."""


@dataclass(slots=True)
class _Listed:
    lock: Lock = field(default_factory=Lock)
    asked_at: float = float("-inf")
    found: list[Permission] = field(default_factory=list)


@dataclass(slots=True)
class PermissionManager:
    """The permissions of one service's checkpoints.

    Attributes:
        api: The service.
        host: The process: clock and sleep.
        adopted: Grants that a new resource found instead of making them.
    """

    api: Client
    host: Host = field(default_factory=Host)
    adopted: AdoptedIds = field(default_factory=AdoptedIds)
    _lists: defaultdict[str, _Listed] = field(default_factory=lambda: defaultdict(_Listed))

    def list_for(
        self, checkpoint: str, project_ids: Iterable[str] | None, *, fresh: bool = False
    ) -> list[Permission]:
        """The grants of these projects, None for all. However many ask, a checkpoint is listed once in a while."""
        listed, wanted = self._lists[checkpoint], None if project_ids is None else set(project_ids)
        with listed.lock:
            if fresh or self.host.time.clock() - listed.asked_at > LIST_TTL:
                listed.found, listed.asked_at = self._list(checkpoint), self.host.time.clock()
            return [found for found in listed.found if wanted is None or found.project_id in wanted]

    def grant(
        self, checkpoint: str, project_ids: Iterable[str], own: Collection[str] = ()
    ) -> list[Permission]:
        """Makes the grants that are missing, all in one request, and gives those of all these projects.

        `own` are ids of grants that the asking resource has already.
        """
        wanted = list(dict.fromkeys(project_ids))
        there = self.list_for(checkpoint, wanted)
        for permission in there:
            if permission.id not in own:
                self.adopted.add(permission.id)
        missing = [project for project in wanted if project not in {found.project_id for found in there}]
        return there + (self._grant(checkpoint, missing) if missing else [])

    def revoke(self, checkpoint: str, permission_ids: Mapping[str, str]) -> None:
        """Takes the grants back, `{"proj_…": "cp_…"}`. One that is gone is fine."""
        for permission_id in permission_ids.values():
            if self.adopted.was_adopted(permission_id):
                continue
            with suppress(NotFoundError):
                self.api.revoke_permission(checkpoint, permission_id)
            listed = self._lists[checkpoint]
            with listed.lock:
                listed.found = [found for found in listed.found if found.id != permission_id]

    def resolve_name(self, checkpoint: str) -> str:
        """The name of a checkpoint that is given by its name, or by its id.

        The API finds a checkpoint by name alone, so an id is looked for among the checkpoints of recent jobs.

        Raises:
            InputError: It is not found there.
        """
        if not checkpoint.startswith(CHECKPOINT_ID):
            return checkpoint
        for job in islice(self.api.jobs(), JOBS_TO_SEARCH):
            for found in self.api.checkpoints(job.id) if job.fine_tuned_model else ():
                if found.id == checkpoint:
                    return found.fine_tuned_model_checkpoint
        raise InputError(
            f"checkpoint_id: {checkpoint!r} is not found among the checkpoints of the {JOBS_TO_SEARCH} newest jobs: "
            f"write the checkpoint's name, ft:…, which stands in its `fine_tuned_model_checkpoint`"
        )

    def _list(self, checkpoint: str) -> list[Permission]:
        try:
            return list(self.api.permissions(checkpoint))
        except NotFoundError:
            return []

    def _grant(self, checkpoint: str, project_ids: list[str]) -> list[Permission]:
        self.host.raise_if_interrupted()
        try:
            made = self.api.grant_permissions(checkpoint, project_ids)
        except RequestError as error:
            if not error.may_have_acted:
                raise
            return self._granted_unanswered(checkpoint, project_ids, error)
        listed = self._lists[checkpoint]
        with listed.lock:
            listed.found = [*listed.found, *made]
        return made

    def _granted_unanswered(
        self, checkpoint: str, project_ids: list[str], error: RequestError
    ) -> list[Permission]:
        def look() -> list[Permission] | None:
            there = self.list_for(checkpoint, project_ids, fresh=True)
            return there if {permission.project_id for permission in there} == set(project_ids) else None

        found = poll_until_found(look, self.host.time, LOOKUP_DELAYS)
        if found is None:
            raise ServiceConnectionError(
                f"granting {checkpoint} to {', '.join(project_ids)} was not answered, and the grants did not appear: "
                f"{error}. Run the command again: what appears later is found then",
                may_have_acted=True,
            ) from error
        return found
