"""Attributes of jobs in the Terraform providers for OpenAI, converted to inputs of `FineTuningJob`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS = ("n_epochs", "batch_size", "learning_rate_multiplier", "beta")
_METHODS = ("supervised", "dpo")


def given(attributes: Mapping[str, Any], name: str) -> Any:
    """Return the value of an attribute, or None if it is empty or 0, as providers store attributes that are not set."""
    value = attributes.get(name)
    return None if value in (None, "", 0, [], {}) else value


def block(value: Any) -> dict[str, Any] | None:
    """Return a nested block, which older providers store in a list."""
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, dict) else None


def method(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the training method of a job: that of `method`, or of the deprecated `hyperparameters`."""
    stored = block(attributes.get("method"))
    if stored is None:
        top_level = _hyperparameters(attributes)
        return {"type": "supervised", "supervised": top_level} if top_level else None
    kind = str(stored.get("type"))
    is_sent = kind in _METHODS and sends_settings(attributes)
    settings = _hyperparameters(block(stored.get(kind)) or {}) if is_sent else None
    return {"type": kind, kind: settings} if settings else {"type": kind}


def sends_settings(attributes: Mapping[str, Any]) -> bool:
    """Return whether the provider sends the settings of the job's method to the service.

    Version 2 of the mkdev provider, whose `method` is an object instead of a list, does not send those of `dpo`.
    """
    stored = attributes.get("method")
    return not isinstance(stored, dict) or stored.get("type") != "dpo" or not stored.get("dpo")


def integrations(attributes: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the integrations of a job."""
    entries = attributes.get("integrations")
    found = [
        {"type": entry.get("type"), "wandb": _present(block(entry.get("wandb")) or {})}
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    ]
    return found or None


def _hyperparameters(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    stored = block(settings.get("hyperparameters")) or {}
    chosen = {name: _number(stored[name]) for name in _NUMBERS if given(stored, name) not in (None, "auto")}
    return {"hyperparameters": chosen} if chosen else None


def _number(value: Any) -> Any:
    """Return a number that a provider stores as a string."""
    for kind in (int, float):
        try:
            return kind(value) if isinstance(value, str) else value
        except ValueError:
            continue
    return value


def _present(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value not in (None, "", [])}
