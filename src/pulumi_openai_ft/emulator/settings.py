"""What can be set about the emulated service while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pulumi_openai_ft.emulator.api_limits import LIMITS
from pulumi_openai_ft.emulator.service_modes import MODES, Mode

DEFAULT_PROJECT = "proj_default"
DEFAULT_DAY = date(2026, 12, 1)
"""A fixed day, so that runs do not depend on the real date: OpenAI takes no new jobs from 2027-01-06 on."""


@dataclass
class Settings:
    """The emulated organization and its limits.

    `projects` are the organization's other projects; where there are none, any `proj_…` is taken for one.
    `job_seconds` are simulated seconds from a job's creation to its end. `today` is the day by which models are
    available; timestamps are those of the clock. `missing_scope_status` is 401 or 403
    (docs/openai-api.md#missing-scopes). `mode` names one of `MODES`.
    """

    organization_id: str = "org-emulator"
    organization: str = "emulator"
    project: str = DEFAULT_PROJECT
    projects: tuple[str, ...] = ()
    closed: bool = False
    job_seconds: float = 120.0
    max_active_jobs: int | None = None
    today: date = DEFAULT_DAY
    missing_scope_status: int = 401
    file_processing_seconds: float = 0.0
    max_file_bytes: int = LIMITS["file_bytes"]
    max_part_bytes: int = 64 * 2**20
    max_upload_bytes: int = LIMITS["upload_bytes"]
    mode: str = "openai"

    @property
    def rules(self) -> Mode:
        """What the mode stands for."""
        return MODES[self.mode]

    def knows_project(self, project: str) -> bool:
        """Whether the organization has this project."""
        return project in (self.project, *self.projects) if self.projects else project.startswith("proj_")
