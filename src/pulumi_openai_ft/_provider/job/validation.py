"""Rules between a job's inputs, and between them and the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.input_models import integers_from_floats
from pulumi_openai_ft._provider.job.inputs import DpoHyperparameters, ReinforcementHyperparameters
from pulumi_openai_ft._shared.api_limits import METHODS
from pulumi_openai_ft.catalog import Catalog, warnings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft._settings import Settings

_RESERVED_BODY_FIELDS = ("metadata", "model", "training_file", "validation_file", "method")
API_HYPERPARAMETERS = (
    ReinforcementHyperparameters.model_fields.keys() | DpoHyperparameters.model_fields.keys()
)
"""Hyperparameters that the API knows."""


def conflicting_inputs(props: Mapping[str, Any]) -> list[str]:
    """Inputs that do not go together, a sentence each."""
    return [*_deadline_problems(props), *_method_problems(props), *_body_problems(props)]


def unsupported_features(props: Mapping[str, Any], profile: Profile) -> list[str]:
    """What the inputs ask for and the service does not offer, a sentence each."""
    kind, hyperparameters = given_hyperparameters(props)
    auto = next((name for name, value in hyperparameters.items() if value == "auto"), None)
    asked = {
        "pause": "paused" if props.get("paused") is True else "",
        "metadata": "metadata" if props.get("metadata") else "",
        "models": "delete_model_on_destroy" if props.get("delete_model_on_destroy") is True else "",
        "auto": f"method.{kind}.hyperparameters.{auto}" if auto else "",
    }
    return [
        f"{path}: {profile.unsupported_message(feature)}"
        for feature, path in asked.items()
        if path and not profile.supports(feature)
    ]


def split_hyperparameters(
    props: Mapping[str, Any], allowed: Collection[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Takes the hyperparameters out that only this service knows.

    Args:
        props: All properties.
        allowed: Names of those hyperparameters; `*` stands for all that the API does not know.

    Returns:
        The properties without them, and them.
    """
    kind, given = given_hyperparameters(props)
    extra = {
        name: value
        for name, value in given.items()
        if name in allowed or ("*" in allowed and name not in API_HYPERPARAMETERS)
    }
    if not extra:
        return dict(props), {}
    known = {name: value for name, value in given.items() if name not in extra}
    method = props["method"]
    return {**props, "method": {**method, kind: {**method[kind], "hyperparameters": known}}}, extra


def with_hyperparameters(inputs: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with what `split_hyperparameters` took out."""
    if not extra:
        return inputs
    method = inputs["method"]
    settings = method[method["type"]]
    whole = {
        **settings,
        "hyperparameters": {**settings.get("hyperparameters", {}), **integers_from_floats(dict(extra))},
    }
    return {**inputs, "method": {**method, method["type"]: whole}}


def given_hyperparameters(props: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The method's type and hyperparameters, as far as they are given and known."""
    method = props.get("method")
    kind = method.get("type") if isinstance(method, dict) else None
    settings = method.get(kind) if isinstance(method, dict) and isinstance(kind, str) else None
    given = settings.get("hyperparameters") if isinstance(settings, dict) else None
    return str(kind), given if isinstance(given, dict) else {}


def _deadline_problems(props: Mapping[str, Any]) -> list[str]:
    if props.get("cancel_after_timeout") is None or props.get("wait_for_completion") is not False:
        return []
    return [
        "cancel_after_timeout: it acts only while an `up` waits, and wait_for_completion is False: leave one of them out"
    ]


def _body_problems(props: Mapping[str, Any]) -> list[str]:
    """What is merged in verbatim and would push out our token, or what else the job is judged, priced and known by."""
    body = props.get("extra_body")
    taken = [name for name in _RESERVED_BODY_FIELDS if name in body] if isinstance(body, dict) else []
    return [
        f"extra_body.{name}: takes the place of the job's {name}: write it under {name}" for name in taken
    ]


def _method_problems(props: Mapping[str, Any]) -> list[str]:
    """Settings of a method that is not the one that is used would be ignored without a word."""
    method = props.get("method")
    if not isinstance(method, dict) or not isinstance(kind := method.get("type"), str):
        return []
    found = [
        f"method.{other}: does not go with type {kind!r}: write these settings under method.{kind}"
        for other in METHODS
        if other != kind and method.get(other) is not None
    ]
    if kind == "reinforcement" and method.get(kind) is None:
        found.append("method.reinforcement: is missing: this type needs a grader")
    if kind == "reinforcement" and props.get("validation_file") is None:
        found.append("validation_file: is missing: reinforcement training needs one")
    return found


def load_catalog(settings: Settings) -> Catalog:
    """What is known of the models of a service.

    Raises:
        SettingsError: What the user says of them is malformed.
    """
    overrides = settings.catalog
    return Catalog.load(json.loads(overrides) if overrides else None, service=settings.profile.name)


def model_warnings(inputs: Mapping[str, Any], catalog: Catalog, days: int, today: date) -> list[str]:
    """Warn about the model that a job is to train, a sentence each.

    Args:
        inputs: The job's inputs; those that are not known yet give no advice.
        catalog: What is known of models.
        days: How many days before its shutdown to warn of it.
        today: The day on which the job would be created.
    """
    model, method = inputs.get("model"), inputs.get("method")
    if not isinstance(model, str):
        return []
    kind = method.get("type") if isinstance(method, dict) else "supervised"
    return warnings(catalog, model, str(kind), today=today, days=days)
