"""Errors that mean that a service does not have an endpoint, or does not return a file's content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft.errors import AuthenticationError, MissingScopeError

if TYPE_CHECKING:
    from pulumi_openai_ft.errors import ServiceError

UNSUPPORTED_STATUSES = frozenset({404, 405, 501})
"""HTTP statuses that mean that the service does not support an endpoint."""
CONTENT_FORBIDDEN_STATUSES = frozenset({*range(300, 400), 400, 403, 404, 405, 410, 422, 501})
"""HTTP statuses of a file whose content cannot be read. OpenAI returns 400 for some purposes."""


def refuses_content(error: ServiceError) -> bool:
    """Return whether an error means that the service, or the key's scope, does not allow reading a file's content."""
    if isinstance(error, MissingScopeError):
        return True
    return not isinstance(error, AuthenticationError) and error.status in CONTENT_FORBIDDEN_STATUSES
