"""What `openai-ft doctor` finds about keys and the service."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import (
    CONFIG_NAMESPACE,
    KEYS_IN_CONFIGURATION,
    MISSING_ADMIN_KEY,
    MISSING_API_KEY,
    SOURCES,
    Settings,
)
from pulumi_openai_ft._shared.clock import TODAY_VARIABLE, is_day_set
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.cli.doctor.report import Finding, Status, ok, problem, warning
from pulumi_openai_ft.errors import FineTuningUnavailableError, OpenAIFTError, ServiceError, SettingsError

if TYPE_CHECKING:
    from datetime import date

    from pulumi_openai_ft.cli.pulumi_cli import Configuration

PATIENCE = 10.0
"""Seconds that the service gets to answer."""
NOT_LET_IN = (401, 403)
_STAND_IN = "sk-undisclosed"
_ADMIN, _OF_A_PROJECT = "sk-admin-", "sk-proj-"


def settings_of(configuration: Configuration) -> Settings:
    """The settings by configuration and environment; stand-ins take the place of keys that are not disclosed.

    Raises:
        SettingsError: They are malformed or contradict each other.
    """
    stand_ins = {
        key: f"{_STAND_IN}{number}"
        for number, key in enumerate(KEYS_IN_CONFIGURATION)
        if key in configuration.undisclosed
    }
    return Settings.resolve(lambda key: stand_ins.get(key) or configuration.values.get(key))


def keys(settings: Settings, configuration: Configuration) -> list[Finding]:
    """The two keys: where they come from, and whether each is of its kind."""
    return [_api_key(settings, configuration), _admin_key(settings, configuration)]


def _api_key(settings: Settings, configuration: Configuration) -> Finding:
    if settings.api_key is None:
        return problem("project key", MISSING_API_KEY)
    if settings.api_key.startswith(_ADMIN):
        place = _place("api_key", configuration)
        return problem(
            "project key", f"{place} holds an admin key, which cannot train: put a project's key there"
        )
    return _kept("project key", "api_key", configuration)


def _admin_key(settings: Settings, configuration: Configuration) -> Finding:
    if not settings.profile.supports("permissions"):
        return ok("admin key", f"not needed: {settings.profile.name} has no checkpoint permissions")
    if settings.admin_key is None:
        return ok("admin key", f"not set; {MISSING_ADMIN_KEY}")
    if settings.admin_key.startswith(_OF_A_PROJECT):
        place = _place("admin_key", configuration)
        return problem(
            "admin key",
            f"{place} holds a project's key, which cannot manage permissions: put an admin key there",
        )
    return _kept("admin key", "admin_key", configuration)


def _kept(about: str, name: str, configuration: Configuration) -> Finding:
    """A key of the right kind: is it kept where it stays secret?"""
    full_key = f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}"
    if full_key in configuration.values and full_key not in configuration.secret:
        return warning(
            about,
            f"{full_key} is set in plain, so it can be read in the stack's configuration and state: run "
            f"`pulumi config set --secret {full_key}`",
        )
    return ok(about, f"from {_place(name, configuration)}")


def _place(name: str, configuration: Configuration) -> str:
    full_key = f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}"
    if full_key in configuration.values or full_key in configuration.secret:
        return f"the stack's configuration ({full_key})"
    return f"the environment ({SOURCES[name].environment[0]})"


def day(today: date) -> list[Finding]:
    """Report a day that is set and so may not be that of the service."""
    if not is_day_set():
        return []
    return [ok("day", f"{today}, set by {TODAY_VARIABLE} in the environment: unset it for a real service")]


def service(settings: Settings, today: date) -> list[Finding]:
    """Whether the service answers, and whether it takes new jobs. One request is sent, which changes nothing."""
    tried = settings.api_key is not None and not settings.api_key.startswith((_STAND_IN, _ADMIN))
    key = settings.api_key if tried else _STAND_IN
    api = Client(replace(settings, api_key=key, max_retries=0, timeout=PATIENCE))
    try:
        jobs = list(api.jobs(limit=1))
    except FineTuningUnavailableError as error:
        return [ok("service", f"{settings.base_url} answers"), problem("training", str(error))]
    except OpenAIFTError as error:
        refused = isinstance(error, ServiceError) and error.status in NOT_LET_IN
        if tried or not refused:
            return [problem("service", str(error)), training(settings, today)]
        jobs = None
    finally:
        api.close()
    answered = f"{settings.base_url} answers"
    return [
        ok("service", answered if tried else f"{answered}; no project key was tried"),
        training(settings, today, unused=tried and not jobs),
    ]


def training(settings: Settings, today: date, *, unused: bool = False) -> Finding:
    """Whether the service takes new jobs, as far as that can be known without creating one.

    Args:
        settings: Names the service and what the user knows of it.
        today: The day that counts.
        unused: Whether the project is known to have no job yet.
    """
    overrides = json.loads(settings.catalog) if settings.catalog else None
    try:
        catalog = Catalog.load(overrides, service=settings.profile.name)
    except SettingsError as error:
        return problem("training", str(error))
    closing = catalog.no_new_jobs_from(None)
    if closing is None or catalog.service is None:
        return ok("training", f"nothing is known of an end of fine-tuning at {settings.profile.name}")
    title, left = catalog.service.title, (closing.value - today).days
    if left <= 0:
        return warning(
            "training",
            f"{title} takes no new jobs since {closing.value} ({closing}): existing models stay usable until their "
            f"base model is shut down, and openai-ft:baseUrl can name another service",
        )
    told = f"{title} takes no new jobs from {closing.value}, in {left} days ({closing})"
    if unused:
        told += (
            "; organizations that did not use fine-tuning are closed out already, and as this project has no job yet, "
            "only creating one tells whether that is so here"
        )
    return Finding("training", Status.WARNING if left <= settings.shutdown_warning_days else Status.OK, told)
