"""All parts of an emulated service. An instance shares no state with other instances."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pulumi_openai_ft.emulator.catalog import load_catalog
from pulumi_openai_ft.emulator.faults import Faults
from pulumi_openai_ft.emulator.request_log import Journal
from pulumi_openai_ft.emulator.simulating_runner import SimulatingRunner
from pulumi_openai_ft.server.auth import Keyring
from pulumi_openai_ft.server.backend import Backend
from pulumi_openai_ft.server.errors import invalid

if TYPE_CHECKING:
    from pulumi_openai_ft.emulator.clock import Clock
    from pulumi_openai_ft.emulator.settings import Settings
    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.store import Store

_SKIPPED = "skipped seconds"
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class EmulatorBackend(Backend):
    """The emulated service, without HTTP. `seed` determines the seeds of jobs that set none."""

    settings: Settings
    clock: Clock

    def __init__(self, settings: Settings, clock: Clock, store: Store, blobs: Blobs, seed: int = 0) -> None:
        clock.skipped = store.fact(_SKIPPED, 0.0)
        super().__init__(
            settings=settings,
            clock=clock,
            store=store,
            blobs=blobs,
            keyring=Keyring(settings),
            runner=SimulatingRunner(clock, store.notes, settings),
            catalog=lambda: load_catalog(settings.rules.service),
            seed=seed,
        )
        self.journal: Journal = Journal()
        self.faults: Faults = Faults()

    @property
    def today(self) -> date:
        """Return the date in the settings. The clock does not change it."""
        return self.settings.today

    def advance(self, seconds: float) -> None:
        """Move the clock forward by simulated seconds, also for later restarts.

        Raise a 400 if the seconds are negative or lead beyond the year 9999.
        """
        if not 0 <= seconds <= _END_OF_TIME - self.clock.now():
            raise invalid(f"The clock cannot be advanced by {seconds} seconds.", "seconds")
        self.clock.advance(seconds)
        self.store.set_fact(_SKIPPED, self.clock.skipped)

    def reset(self) -> None:
        """Delete all objects, journal entries and faults, and reset the clock. Settings and keys remain."""
        self.store.clear()
        self.blobs.clear()
        self.journal.clear()
        self.faults.clear()
        self.admin_rate.clear()
        self.clock.skipped = 0.0
