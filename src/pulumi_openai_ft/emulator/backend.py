"""All parts of an emulated service. An instance shares no state with other instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from pulumi_openai_ft.emulator.auth import Keyring
from pulumi_openai_ft.emulator.catalog import Catalog, load_catalog
from pulumi_openai_ft.emulator.errors import invalid
from pulumi_openai_ft.emulator.faults import Faults
from pulumi_openai_ft.emulator.lifecycle import Lifecycle
from pulumi_openai_ft.emulator.request_log import Journal
from pulumi_openai_ft.emulator.simulating_runner import SimulatingRunner

if TYPE_CHECKING:
    from pulumi_openai_ft.emulator.blobs import Blobs
    from pulumi_openai_ft.emulator.clock import Clock
    from pulumi_openai_ft.emulator.records import Checkpoint
    from pulumi_openai_ft.emulator.settings import Settings
    from pulumi_openai_ft.emulator.store import Store

_SKIPPED = "skipped seconds"
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


@dataclass(slots=True)
class Backend:
    """The emulated service, without HTTP. `seed` determines the seeds of jobs that set none."""

    settings: Settings
    clock: Clock
    store: Store
    blobs: Blobs
    seed: int = 0
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    keyring: Keyring = field(init=False)
    lifecycle: Lifecycle = field(init=False)

    def __post_init__(self) -> None:
        self.keyring = Keyring(self.settings)
        self.clock.skipped = self.store.fact(_SKIPPED, 0.0)
        runner = SimulatingRunner(self.clock, self.store.notes, self.settings)
        self.lifecycle = Lifecycle(self.store, self.blobs, self.clock, runner, self.settings)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by simulated seconds, also for later restarts.

        Raise a 400 if the seconds are negative or lead beyond the year 9999.
        """
        if not 0 <= seconds <= _END_OF_TIME - self.clock.now():
            raise invalid(f"The clock cannot be advanced by {seconds} seconds.", "seconds")
        self.clock.advance(seconds)
        self.store.set_fact(_SKIPPED, self.clock.skipped)

    @property
    def catalog(self) -> Catalog:
        """Return the base models of the emulated service."""
        return load_catalog(self.settings.rules.service)

    def job_seed(self) -> int:
        """Return the seed of the next job that sets none."""
        text = f"{self.seed}:{self.store.jobs.count()}"
        return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") >> 1

    def checkpoint(self, name: str) -> Checkpoint | None:
        """Return the checkpoint with this name, or None if it does not exist or its model was deleted."""
        found = self.store.checkpoints.find({"name": name}, limit=1)
        if not found or self.store.models.count({"id": name}, ("deleted_at IS NOT NULL", ())):
            return None
        return found[0]

    def reset(self) -> None:
        """Delete all objects, journal entries and faults, and reset the clock. Settings and keys remain."""
        self.store.clear()
        self.blobs.clear()
        self.journal.clear()
        self.faults.clear()
        self.clock.skipped = 0.0
