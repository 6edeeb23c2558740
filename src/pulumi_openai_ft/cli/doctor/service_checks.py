"""Checks by `openai-ft doctor` of the API keys and the service."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.base_url import wrong_base_url_message
from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import (
    CONFIG_NAMESPACE,
    KEYS_IN_CONFIGURATION,
    MISSING_ADMIN_KEY,
    MISSING_API_KEY,
    SOURCES,
    Settings,
)
from pulumi_openai_ft._shared.clock import TODAY_VARIABLE, is_date_set
from pulumi_openai_ft.cli.doctor.report import Finding, Status, ok, problem, warning
from pulumi_openai_ft.errors import FineTuningUnavailableError, OpenAIFTError, ServiceError, SettingsError

if TYPE_CHECKING:
    from datetime import date

    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft.cli.pulumi_cli import Configuration

TIMEOUT = 10.0
"""Maximum number of seconds to wait for a response of the service."""
UNAUTHORIZED = (401, 403)
_PLACEHOLDER = "sk-undisclosed"
_ADMIN, _PROJECT = "sk-admin-", "sk-proj-"


def settings_of(configuration: Configuration) -> Settings:
    """Return the settings from configuration and environment, with placeholders for keys that were not decrypted.

    Raises:
        SettingsError: The settings are invalid or contradict each other.
    """
    placeholders = {
        key: f"{_PLACEHOLDER}{number}"
        for number, key in enumerate(KEYS_IN_CONFIGURATION)
        if key in configuration.undisclosed
    }
    return Settings.resolve(
        lambda key: placeholders.get(key) or configuration.values.get(key), keys=configuration.values
    )


def keys(settings: Settings, configuration: Configuration) -> list[Finding]:
    """Check the source and the kind of the project key and the admin key."""
    return [_api_key(settings, configuration), _admin_key(settings, configuration)]


def _api_key(settings: Settings, configuration: Configuration) -> Finding:
    if settings.api_key is None:
        return problem("project key", MISSING_API_KEY)
    if settings.api_key.startswith(_ADMIN):
        source = _source("api_key", configuration)
        return problem(
            "project key", f"{source} contains an admin key, which cannot run jobs; use a project key"
        )
    return _check_storage("project key", "api_key", configuration)


def _admin_key(settings: Settings, configuration: Configuration) -> Finding:
    if not settings.profile.supports("permissions"):
        return ok("admin key", f"not needed: {settings.profile.name} has no checkpoint permissions")
    if settings.admin_key is None:
        return ok("admin key", f"not set; {MISSING_ADMIN_KEY}")
    if settings.admin_key.startswith(_PROJECT):
        source = _source("admin_key", configuration)
        return problem(
            "admin key",
            f"{source} contains a project key, which cannot manage permissions; use an admin key",
        )
    return _check_storage("admin key", "admin_key", configuration)


def _check_storage(check: str, name: str, configuration: Configuration) -> Finding:
    """Check that a key of the right kind is not stored in plaintext."""
    full_key = f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}"
    if full_key in configuration.values and full_key not in configuration.secret:
        return warning(
            check,
            f"{full_key} is stored in plaintext in the configuration and the state of the stack; run "
            f"`pulumi config set --secret {full_key}`",
        )
    return ok(check, f"from {_source(name, configuration)}")


def _source(name: str, configuration: Configuration) -> str:
    full_key = f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}"
    if full_key in configuration.values or full_key in configuration.secret:
        return f"the stack's configuration ({full_key})"
    return f"the environment ({SOURCES[name].environment[0]})"


def current_date(today: date) -> list[Finding]:
    """Report the date if OPENAI_FT_TODAY sets it, because it may not be the date of the service."""
    if not is_date_set():
        return []
    return [ok("date", f"{today}, set by {TODAY_VARIABLE}; unset it for a real service")]


def service(settings: Settings, today: date) -> list[Finding]:
    """Check that the service responds and accepts new jobs. This sends a single read-only request.

    If its response shows that the base URL is wrong, search for the right one with similar requests.
    """
    is_key_tested = settings.api_key is not None and not settings.api_key.startswith((_PLACEHOLDER, _ADMIN))
    key = settings.api_key if is_key_tested else _PLACEHOLDER
    tested = replace(settings, api_key=key, max_retries=0, timeout=TIMEOUT)
    api = Client(tested)
    try:
        jobs = _newest_job(api)
    except FineTuningUnavailableError as error:
        return [ok("service", f"{settings.base_url} responds"), problem("training", str(error))]
    except OpenAIFTError as error:
        is_unauthorized = isinstance(error, ServiceError) and error.status in UNAUTHORIZED
        if is_key_tested or not is_unauthorized:
            message = wrong_base_url_message(error, tested, _newest_job) or str(error)
            return [problem("service", message), training(settings, today)]
        jobs = None
    finally:
        api.close()
    response = f"{settings.base_url} responds"
    return [
        ok("service", response if is_key_tested else f"{response}; no project key was tested"),
        training(settings, today, unused=is_key_tested and not jobs),
    ]


def _newest_job(api: Client) -> list[Job]:
    return list(api.jobs(limit=1, unreadable=[]))


def training(settings: Settings, today: date, *, unused: bool = False) -> Finding:
    """Check whether the service accepts new jobs, as far as this is known without creating a job.

    Args:
        settings: Settings, with the service and the user's catalog entries.
        today: Date that is compared with the shutdown dates of the service.
        unused: Whether the project is known to have no jobs.
    """
    from pulumi_openai_ft._provider.job.validation import load_catalog  # noqa: PLC0415 - slows down other commands

    try:
        catalog = load_catalog(settings)
    except SettingsError as error:
        return problem("training", str(error))
    closing = catalog.no_new_jobs_from(None)
    if closing is None or catalog.service is None:
        return ok("training", f"no shutdown date known for {settings.profile.name}")
    title, left = catalog.service.title, (closing.value - today).days
    if left <= 0:
        return warning(
            "training",
            f"{title} has not accepted new jobs since {closing.value} ({closing}); existing models stay available until "
            f"their base model is shut down. To use another service, set openai-ft:baseUrl",
        )
    message = f"{title} accepts no new jobs from {closing.value}, in {left} days ({closing})"
    if unused:
        message += (
            "; organizations that have never used fine-tuning cannot create jobs any more. This project has no jobs, "
            "so only creating a job shows whether this applies to your organization"
        )
    return Finding(
        "training", Status.WARNING if left <= settings.shutdown_warning_days else Status.OK, message
    )
