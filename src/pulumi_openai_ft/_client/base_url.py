"""Detection of a wrong base URL, and search for the right one at the same host."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import (
    InvalidResponseError,
    NotFoundError,
    OpenAIFTError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft._settings import Settings

REFUSING_STATUSES = frozenset({400, 404, 410, 421})
"""Statuses of APIs for paths, hosts and API versions that they do not have."""
_ERROR_TYPES = (ServiceError, NotFoundError, InvalidResponseError)
_API_VERSION = "api-version"
_API_VERSIONS = ("preview", "2024-10-21")
_SEARCH_SECONDS = 10.0


def wrong_base_url_message(
    error: OpenAIFTError,
    settings: Settings,
    probe: Callable[[Client], object],
    time: TimeSource = REAL_TIME,
) -> str | None:
    """Return a message if the response to a probe shows that the base URL or the query is wrong; otherwise None.

    Search for a base URL and a query that work at the same host, and name them in the message.

    Args:
        error: The error of the probe.
        settings: The settings of the probe.
        probe: Sends the probe again with other settings.
        time: Clocks and sleep.
    """
    if type(error) not in _ERROR_TYPES or not isinstance(error, ServiceError):
        return None
    is_foreign = isinstance(error, InvalidResponseError)
    if error.status not in REFUSING_STATUSES and not (is_foreign and error.status in range(200, 500)):
        return None
    correction = _correction(settings, _working(settings, probe, time, str(error)))
    if is_foreign:  # its text contains the base URL, the status and the type of the content
        return f"{error}; {correction}" if correction else str(error)
    hint = correction or (
        "check openai-ft:baseUrl, which for most services ends in /v1, openai-ft:query and openai-ft:service"
    )
    return (
        f"openai-ft:baseUrl (or OPENAI_BASE_URL) is {settings.base_url!r}: a test request returned a JSON error with "
        f"status {error.status}: {hint}; the error: {error}"
    )


def _correction(settings: Settings, found: Settings | None) -> str:
    """Return the settings to change, or an empty string if no settings work."""
    if found is None:
        return ""
    changes = []
    if found.base_url != settings.base_url:
        changes.append(f"openai-ft:baseUrl to {found.base_url!r}")
    if found.profile.query != settings.profile.query:
        changes.append(f"openai-ft:query to {urlencode(found.profile.query)!r}")
    return f"set {' and '.join(changes)}, which works"


def _working(
    settings: Settings, probe: Callable[[Client], object], time: TimeSource, text: str
) -> Settings | None:
    """Return the first similar settings with which the probe succeeds, or None."""
    end = time.clock() + _SEARCH_SECONDS
    for candidate in _candidates(settings, text):
        if time.clock() > end:
            break
        api = Client(replace(candidate, max_retries=0), time)
        try:
            probe(api)
        except OpenAIFTError:
            continue
        finally:
            api.close()
        return candidate
    return None


def _candidates(settings: Settings, text: str) -> Iterator[Settings]:
    queries = [settings.profile.query]
    if settings.profile.name == "azure" or _API_VERSION in text:
        others = [(name, value) for name, value in settings.profile.query if name != _API_VERSION]
        queries += [(*others, (_API_VERSION, version)) for version in _API_VERSIONS]
    for base_url in _base_urls(settings.base_url):
        for query in queries:
            candidate = replace(settings, base_url=base_url, profile=replace(settings.profile, query=query))
            if candidate != settings:
                yield candidate


def _base_urls(base_url: str) -> list[str]:
    """Return the base URL and similar ones: with a shorter path, and with `/v1`. The host, which gets the key, stays."""
    parts = urlsplit(base_url)
    segments = parts.path.split("/")
    shorter = ["/".join(segments[:end]) for end in range(len(segments), 0, -1)]
    paths = [path for prefix in shorter for path in (prefix, f"{prefix}/v1")]
    return [parts._replace(path=path).geturl() for path in dict.fromkeys([*paths, "/openai/v1"])]
