"""Settings that you can change while the emulator runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft.emulator.service_modes import MODES, Mode

if TYPE_CHECKING:
    from datetime import date

DEFAULT_PROJECT = "proj_default"


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
        today: Date that determines which models are shut down; None means the date of the clock.
        missing_scope_status: HTTP status for a missing scope, 401 or 403 (docs/openai-api.md#missing-scopes).
        file_processing_seconds: Seconds until a new file has the status `processed`.
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
    today: date | None = None
    missing_scope_status: int = 401
    file_processing_seconds: float = 0.0
    max_file_bytes: int = 512 * 2**20
    max_part_bytes: int = 64 * 2**20
    max_upload_bytes: int = 8 * 2**30
    mode: str = "openai"

    @property
    def rules(self) -> Mode:
        """Return the mode."""
        return MODES[self.mode]

    def knows_project(self, project: str) -> bool:
        """Return whether the organization has this project."""
        return project in (self.project, *self.projects) if self.projects else project.startswith("proj_")
