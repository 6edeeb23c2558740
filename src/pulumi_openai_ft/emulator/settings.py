"""What can be set about the emulated service while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft.emulator.api_limits import LIMITS
from pulumi_openai_ft.emulator.service_modes import MODES, Mode

if TYPE_CHECKING:
    from datetime import date

DEFAULT_PROJECT = "proj_default"


@dataclass
class Settings:
    """The emulated organization and its limits.

    `projects` are the organization's other projects; where there are none, any `proj_…` is taken for one.
    `job_seconds` are simulated seconds from a job's creation to its end. `today` is the date by which models are
    shut down, the clock's where it is None. `missing_scope_status` is 401 or 403
    (docs/openai-api.md#missing-scopes). `mode` names one of `MODES`.
    """

    organization_id: str = "org-emulator"
    organization: str = "emulator"
    project: str = DEFAULT_PROJECT
    projects: tuple[str, ...] = ()
    closed: bool = False
    job_seconds: float = 120.0
    max_active_jobs: int | None = None
    today: date | None = None
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
