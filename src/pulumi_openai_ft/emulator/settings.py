"""Settings that you can change while the emulator runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.server.settings import ServiceSettings

if TYPE_CHECKING:
    from pulumi_openai_ft.server.rules import Rules

DEFAULT_DAY = date(2026, 12, 1)
"""A fixed day, so that runs do not depend on the real date: OpenAI takes no new jobs from 2027-01-06 on."""


@dataclass(slots=True)
class Settings(ServiceSettings):
    """The emulated organization, its limits, and the settings of the simulation.

    Attributes:
        job_seconds: Simulated duration of a job in seconds.
        today: Date that determines which models are available. Timestamps are those of the clock.
        refused_contents: Purposes of files whose content is not returned, by default those that OpenAI refuses.
        file_processing_seconds: Seconds until a new file has the status `processed`; None for those of the mode.
        mode: Service to emulate, a key of `MODES`.
    """

    organization_id: str = "org-emulator"
    organization: str = "emulator"
    job_seconds: float = 120.0
    today: date = DEFAULT_DAY
    refused_contents: tuple[str, ...] = ("assistants", "user_data")
    file_processing_seconds: float | None = None
    mode: str = "openai"

    @property
    def rules(self) -> Rules:
        """Return the rules of the emulated service."""
        return MODES[self.mode]

    @property
    def processing_seconds(self) -> float:
        """Return the seconds until a new file is processed."""
        given = self.file_processing_seconds
        return self.rules.file_processing_seconds if given is None else given
