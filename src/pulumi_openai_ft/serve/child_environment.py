"""The environment of the processes that the service starts."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE)(_|$)", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Return whether the name of a variable looks like that of a key."""
    return _SECRET.search(name) is not None


def without_secrets() -> dict[str, str]:
    """Return the environment of the service without the variables whose names look like those of keys."""
    return {name: value for name, value in os.environ.items() if not is_secret(name)}
