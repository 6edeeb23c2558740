"""What a Pulumi program, unlike a provider, can see of its stack."""

from __future__ import annotations

from functools import cache

import pulumi

from pulumi_openai_ft._settings import KEYS_IN_CONFIGURATION


def config(key: str) -> str | None:
    """The stack's configuration by full key, such as `openai-ft:apiKey`."""
    namespace, name = key.split(":", 1)
    return pulumi.Config(namespace).get(name)


@cache
def warn_about_plaintext_keys() -> None:
    """Says once a run that a key was set without `--secret`. Only programs can tell it from one that was."""
    for key in KEYS_IN_CONFIGURATION:
        if config(key) is not None and not pulumi.runtime.is_config_secret(key):
            pulumi.log.warn(
                f"{key} is set in plain, so Pulumi keeps it readable in the stack's configuration and state: "
                f"run `pulumi config set --secret {key}`, or set it in the environment"
            )
