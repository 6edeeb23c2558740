"""Errors that mean that a service does not have an endpoint, or does not return a file's content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_openai_ft._client.retries import SUCCESSES
from pulumi_openai_ft._service_profiles import FEATURES
from pulumi_openai_ft.errors import AuthenticationError, MissingScopeError

if TYPE_CHECKING:
    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft.errors import ServiceError

UNSUPPORTED_STATUSES = frozenset({404, 405, 501})
"""HTTP statuses that mean that the service does not support an endpoint."""
CONTENT_FORBIDDEN_STATUSES = frozenset({*range(300, 400), 400, 403, 404, 405, 410, 422, 501})
"""HTTP statuses of a file whose content cannot be read. OpenAI returns 400 for some purposes."""


def missing_list(error: ServiceError, profile: Profile, feature: str) -> str | None:
    """Return a sentence about a list that the service does not have in a readable form, or None for another error.

    Args:
        error: The error of the request for the list.
        profile: Profile of the service.
        feature: Feature that the list belongs to, a key of `FEATURES`.
    """
    if error.status in UNSUPPORTED_STATUSES:
        return f"{profile.lacks_message(feature)} (HTTP {error.status})"
    if error.status in SUCCESSES:
        return f"the response with the {FEATURES[feature]} cannot be read ({error})"
    return None


def refuses_content(error: ServiceError) -> bool:
    """Return whether an error means that the service, or the key's scope, does not allow reading a file's content."""
    if isinstance(error, MissingScopeError):
        return True
    return not isinstance(error, AuthenticationError) and error.status in CONTENT_FORBIDDEN_STATUSES
