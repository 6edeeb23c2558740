"""The stack's configuration, as read by a Pulumi program.

A program knows which values are secret, but a provider does not.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pulumi

from pulumi_openai_ft._settings import KEYS_IN_CONFIGURATION, Settings
from pulumi_openai_ft._shared.grouped_warnings import grouped

if TYPE_CHECKING:
    from pulumi_openai_ft._service_profiles import Profile


def config(key: str) -> str | None:
    """Return a configuration value of the stack by its full key, such as `openai-ft:apiKey`."""
    namespace, name = key.split(":", 1)
    return pulumi.Config(namespace).get(name)


def stack_service() -> Profile:
    """Return the profile of the service that the stack's settings name."""
    return Settings.resolve(config).profile


def warn_about_plaintext_keys() -> None:
    """Warn, once per run of a stack, about API keys that were set without `--secret`. Only a program can detect this."""
    _warn_about_plaintext_keys(pulumi.runtime.settings.get_monitor())


@cache
def _warn_about_plaintext_keys(_run: object) -> None:
    warnings = [
        f"{key} is stored in plaintext in the stack's configuration and state: "
        f"run `pulumi config set --secret {key}`, or set it in the environment"
        for key in KEYS_IN_CONFIGURATION
        if config(key) is not None and not pulumi.runtime.is_config_secret(key)
    ]
    if warnings:
        pulumi.log.warn(grouped(warnings))
