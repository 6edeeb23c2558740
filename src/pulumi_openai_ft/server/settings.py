"""Settings of a service: its organization, limits and rules."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_openai_ft.server.api_limits import LIMITS
from pulumi_openai_ft.server.rules import Rules

DEFAULT_PROJECT = "proj_default"
_OPENAI = Rules()


@dataclass(slots=True)
class ServiceSettings:
    """The organization of a service and its limits.

    Attributes:
        organization_id: Id of the organization.
        organization: Name of the organization, as in the names of fine-tuned models.
        project: Default project.
        projects: Ids of the organization's other projects. If empty, any `proj_…` is valid.
        closed: Whether the organization can no longer create jobs.
        max_active_jobs: Maximum number of active jobs; None means unlimited.
        max_queued_jobs: Maximum number of jobs of a key that wait to run; None means unlimited.
        admin_requests_per_minute: Maximum number of requests per minute with all admin keys; None means unlimited.
        min_free_bytes: Space that uploads must leave free on the disk, in bytes.
        missing_scope_status: HTTP status for a missing scope, 401 or 403 (docs/openai-api.md#missing-scopes).
        refused_contents: Purposes of files whose content the service does not return.
        max_json_bytes: Maximum size of a JSON body, in bytes; None means unlimited.
        max_file_bytes: Maximum size of a file uploaded in one request, in bytes.
        max_part_bytes: Maximum size of an upload part, in bytes.
        max_upload_bytes: Maximum size of a multipart upload, in bytes.
    """

    organization_id: str
    organization: str
    project: str = DEFAULT_PROJECT
    projects: tuple[str, ...] = ()
    closed: bool = False
    max_active_jobs: int | None = None
    max_queued_jobs: int | None = None
    admin_requests_per_minute: int | None = None
    min_free_bytes: int = 0
    missing_scope_status: int = 401
    refused_contents: tuple[str, ...] = ()
    max_json_bytes: int | None = None
    max_file_bytes: int = LIMITS["file_bytes"]
    max_part_bytes: int = 64 * 2**20
    max_upload_bytes: int = LIMITS["upload_bytes"]

    @property
    def rules(self) -> Rules:
        """Return the rules of the service."""
        return _OPENAI

    @property
    def processing_seconds(self) -> float:
        """Return the seconds until a new file is processed."""
        return self.rules.file_processing_seconds

    def knows_project(self, project: str) -> bool:
        """Return whether the organization has this project."""
        return project in (self.project, *self.projects) if self.projects else project.startswith("proj_")
