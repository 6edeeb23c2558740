"""Settings that you can change while the emulator runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pulumi_openai_ft.emulator.api_limits import LIMITS
from pulumi_openai_ft.emulator.service_modes import MODES, Mode

DEFAULT_PROJECT = "proj_default"
DEFAULT_DAY = date(2026, 12, 1)
"""A fixed day, so that runs do not depend on the real date: OpenAI takes no new jobs from 2027-01-06 on."""


@dataclass(slots=True)
class Settings:
    """The emulated organization and its limits.

    Attributes:
        organization_id: Id of the organization.
        organization: Name of the organization, as in the names of fine-tuned models.
        project: Default project.
        projects: Ids of the organization's other projects. If empty, any `proj_…` is valid.
        closed: Whether the organization can no longer create jobs.
        job_seconds: Simulated duration of a job in seconds.
        max_active_jobs: Maximum number of active jobs; None means unlimited.
        today: Date that determines which models are available. Timestamps are those of the clock.
        missing_scope_status: HTTP status for a missing scope, 401 or 403 (docs/openai-api.md#missing-scopes).
        file_processing_seconds: Seconds until a new file has the status `processed`; None for those of the mode.
        max_file_bytes: Maximum size of a file uploaded in one request, in bytes.
        max_part_bytes: Maximum size of an upload part, in bytes.
        max_upload_bytes: Maximum size of a multipart upload, in bytes.
        mode: Service to emulate, a key of `MODES`.
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
    file_processing_seconds: float | None = None
    max_file_bytes: int = LIMITS["file_bytes"]
    max_part_bytes: int = 64 * 2**20
    max_upload_bytes: int = LIMITS["upload_bytes"]
    mode: str = "openai"

    @property
    def rules(self) -> Mode:
        """Return the mode."""
        return MODES[self.mode]

    @property
    def processing_seconds(self) -> float:
        """Return the seconds until a new file is processed."""
        given = self.file_processing_seconds
        return self.rules.file_processing_seconds if given is None else given

    def knows_project(self, project: str) -> bool:
        """Return whether the organization has this project."""
        return project in (self.project, *self.projects) if self.projects else project.startswith("proj_")
