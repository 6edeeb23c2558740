"""Secret values in an exported state."""

from __future__ import annotations

from typing import Any

from pulumi.runtime import rpc


def is_secret(value: Any) -> bool:
    """Return whether a value of a state is secret, and therefore encrypted."""
    return isinstance(value, dict) and value.get(rpc._special_sig_key) == rpc._special_secret_sig  # noqa: SLF001 - the SDK's names for the engine's markers
