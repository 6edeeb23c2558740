"""The parts of a service, without HTTP. An instance shares no state with other instances."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from pulumi_openai_ft.server.errors import invalid
from pulumi_openai_ft.server.lifecycle import Lifecycle
from pulumi_openai_ft.server.request_rate import RequestRate
from pulumi_openai_ft.server.store import DELETED

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.server.auth import Keyring
    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.catalog import Catalog
    from pulumi_openai_ft.server.clock import Clock
    from pulumi_openai_ft.server.records import Checkpoint
    from pulumi_openai_ft.server.runner import Runner
    from pulumi_openai_ft.server.settings import ServiceSettings
    from pulumi_openai_ft.server.store import Store


class Backend:
    """A service that trains with a runner.

    Args:
        settings: Organization, limits and rules.
        clock: Clock for timestamps.
        store: Objects.
        blobs: Contents of files.
        keyring: Registered keys.
        runner: Runner that trains jobs.
        catalog: Returns the present base models.
        seed: Number that determines the seeds of jobs that set none.
    """

    def __init__(
        self,
        *,
        settings: ServiceSettings,
        clock: Clock,
        store: Store,
        blobs: Blobs,
        keyring: Keyring,
        runner: Runner,
        catalog: Callable[[], Catalog],
        seed: int = 0,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.store = store
        self.blobs = blobs
        self.keyring = keyring
        self.admin_rate: RequestRate = RequestRate(clock)
        self.lifecycle: Lifecycle = Lifecycle(store, blobs, clock, runner, settings)
        self._catalog = catalog
        self._seed = seed

    @property
    def catalog(self) -> Catalog:
        """Return the base models."""
        return self._catalog()

    @property
    def today(self) -> date:
        """Return the date that determines which models are available."""
        return datetime.fromtimestamp(self.clock.now(), UTC).date()

    def require_room(self) -> None:
        """Raise a 400 if the disk is too full for uploads and jobs."""
        required = self.settings.min_free_bytes
        free = shutil.disk_usage(self.blobs.folder).free if required else 0
        if free < required:
            raise invalid(
                f"The disk of this service has {free / 2**30:.1f} GiB left and keeps {required / 2**30:.1f} GiB free. "
                "Ask its operator to make room.",
                code="disk_full",
            )

    def job_seed(self) -> int:
        """Return the seed of the next job that sets none."""
        text = f"{self._seed}:{self.store.jobs.count()}"
        return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") >> 1

    def checkpoint(self, name: str) -> Checkpoint | None:
        """Return the checkpoint with this name, or None if it does not exist or its model was deleted."""
        found = self.store.checkpoints.find({"name": name}, limit=1)
        if not found or self.store.models.count({"id": name}, DELETED):
            return None
        return found[0]

    def may_use(self, name: str, owner: str, project: str) -> bool:
        """Return whether a project may use a model or checkpoint of a project."""
        granted = {"checkpoint": name, "project": project}
        return owner == project or bool(self.store.permissions.find(granted, limit=1))
