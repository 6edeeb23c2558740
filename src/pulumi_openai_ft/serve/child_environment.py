"""The environment of the processes that the service starts."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE)(_|$)", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Return whether the name of a variable looks like that of a key."""
    return _SECRET.search(name) is not None


def without_secrets(declared: Collection[str]) -> dict[str, str]:
    """Return the environment of the service without keys.

    Args:
        declared: Variables that the configuration names as keys. Others are recognized by their names.
    """
    return {name: value for name, value in os.environ.items() if name not in declared and not is_secret(name)}
