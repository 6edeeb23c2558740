"""What is good to know of a job's model before it is bought."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.catalog import Catalog, warnings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._settings import Settings


def catalog_of(settings: Settings) -> Catalog:
    """What is known of the models of a service.

    Raises:
        SettingsError: What the user says of them is malformed.
    """
    overrides = settings.catalog
    return Catalog.load(json.loads(overrides) if overrides else None, service=settings.profile.name)


def advice(inputs: Mapping[str, Any], catalog: Catalog, days: int) -> list[str]:
    """What to know today of the model that a job is to train, a sentence each.

    Args:
        inputs: The job's inputs; those that are not known yet give no advice.
        catalog: What is known of models.
        days: How many days before its shutdown to speak of it.
    """
    model, method = inputs.get("model"), inputs.get("method")
    if not isinstance(model, str):
        return []
    kind = method.get("type") if isinstance(method, dict) else "supervised"
    return warnings(catalog, model, str(kind), today=datetime.now(UTC).date(), days=days)
