"""Rules for combinations of a job's inputs, and for inputs that the service does not support."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.input_models import integers_from_floats
from pulumi_openai_ft._provider.job.graders import LAMBDA, grader_warnings
from pulumi_openai_ft._provider.job.inputs import (
    MAX_IDENTIFIED_METADATA,
    DpoHyperparameters,
    ReinforcementHyperparameters,
)
from pulumi_openai_ft._service_profiles import OPENAI, Profile
from pulumi_openai_ft._shared.api_limits import METHODS
from pulumi_openai_ft._shared.state_names import OWN_METADATA
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.catalog import model_warnings as catalog_warnings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from pulumi_openai_ft._settings import Settings

_RESERVED_BODY_FIELDS = ("metadata", "model", "training_file", "validation_file", "method")
API_HYPERPARAMETERS = (
    ReinforcementHyperparameters.model_fields.keys() | DpoHyperparameters.model_fields.keys()
)
"""Hyperparameters of the API."""


def conflicting_inputs(props: Mapping[str, Any], profile: Profile = OPENAI) -> list[str]:
    """Return messages about the conflicts between inputs."""
    return [
        *_deadline_problems(props),
        *_method_problems(props, profile),
        *_body_problems(props, profile),
        *_metadata_problems(props),
    ]


def requested_method(props: Mapping[str, Any]) -> Any:
    """Return the method that the create request contains: the input `method`, or else the one in `extra_body`."""
    method, body = props.get("method"), props.get("extra_body")
    return body.get("method") if method is None and isinstance(body, dict) else method


def unsupported_features(props: Mapping[str, Any], profile: Profile) -> list[str]:
    """Return messages about the inputs that the service does not support."""
    kind, hyperparameters = given_hyperparameters(props)
    auto = next((name for name, value in hyperparameters.items() if value == "auto"), None)
    used_features = {
        "pause": "paused" if props.get("paused") is True else "",
        "metadata": "metadata" if props.get("metadata") else "",
        "models": "delete_model_on_destroy" if props.get("delete_model_on_destroy") is True else "",
        "auto": f"method.{kind}.hyperparameters.{auto}" if auto else "",
        "suffix": "suffix" if props.get("suffix") is not None else "",
    }
    found = [
        f"{path}: {profile.unsupported_message(feature)}"
        for feature, path in used_features.items()
        if path and not profile.supports(feature)
    ]
    return [*found, *_grader_problems(props, profile)]


def _grader_problems(props: Mapping[str, Any], profile: Profile) -> list[str]:
    """Return a message if the service does not document the type of the job's grader."""
    if _grader_type(props) != LAMBDA or profile.accepts_lambda_grader:
        return []
    remedy = (
        "use another grader" if profile is OPENAI else "use another grader, or pass the method in extra_body"
    )
    text = f"the service {profile.name!r} does not document the type {LAMBDA!r}: {remedy}"
    return [f"method.reinforcement.grader.type: {text}"]


def _grader_type(props: Mapping[str, Any]) -> Any:
    value: Any = props.get("method")
    for step in ("reinforcement", "grader", "type"):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def split_hyperparameters(
    props: Mapping[str, Any], allowed: Collection[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separate the hyperparameters that only this service has.

    Args:
        props: All properties.
        allowed: Names of these hyperparameters. `*` means all names that the API does not have.

    Returns:
        The properties without these hyperparameters, and these hyperparameters.
    """
    kind, given = given_hyperparameters(props)
    if props.get("method") is None:
        return dict(props), {}
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
    """Return the inputs including the hyperparameters that `split_hyperparameters` separated."""
    if not extra:
        return inputs
    method = inputs["method"]
    settings = method[method["type"]]
    merged = {
        **settings,
        "hyperparameters": {**settings.get("hyperparameters", {}), **integers_from_floats(dict(extra))},
    }
    return {**inputs, "method": {**method, method["type"]: merged}}


def given_hyperparameters(props: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the method's type and its hyperparameters. Values that are missing or unknown are omitted."""
    method = requested_method(props)
    kind = method.get("type") if isinstance(method, dict) else None
    settings = method.get(kind) if isinstance(method, dict) and isinstance(kind, str) else None
    given = settings.get("hyperparameters") if isinstance(settings, dict) else None
    return str(kind), given if isinstance(given, dict) else {}


def _deadline_problems(props: Mapping[str, Any]) -> list[str]:
    if props.get("cancel_after_timeout") is None or props.get("wait_for_completion") is not False:
        return []
    return [
        (
            "cancel_after_timeout: has no effect with wait_for_completion=False: `up` must wait to cancel the job; "
            "remove one of the two"
        )
    ]


def _body_problems(props: Mapping[str, Any], profile: Profile) -> list[str]:
    """Return the fields of `extra_body` that would overwrite the idempotency key or inputs that are checked.

    A service other than OpenAI may have methods that the input `method` does not define.
    """
    body = props.get("extra_body")
    is_free = profile.name != OPENAI.name and props.get("method") is None
    names = [name for name in _RESERVED_BODY_FIELDS if name != "method" or not is_free]
    reserved = [name for name in names if name in body] if isinstance(body, dict) else []
    return [
        f"extra_body.{name}: would overwrite the job's {name}: set the input {name} instead"
        for name in reserved
    ]


def _metadata_problems(props: Mapping[str, Any]) -> list[str]:
    metadata = props.get("metadata")
    reserved = [name for name in OWN_METADATA if name in metadata] if isinstance(metadata, dict) else []
    return [f"metadata.{name}: is a key that this package uses: use another key" for name in reserved]


def metadata_warnings(props: Mapping[str, Any]) -> list[str]:
    """Return a warning if the metadata leaves no space for the key of the job's content."""
    metadata = props.get("metadata")
    if not isinstance(metadata, dict) or len(metadata) <= MAX_IDENTIFIED_METADATA:
        return []
    problem = f"metadata: {len(metadata)} pairs leave no space for the key of the job's content"
    remedy = f"use at most {MAX_IDENTIFIED_METADATA} pairs"
    return [f"{problem}, so that a renamed resource may train it again: {remedy}"]


def _method_problems(props: Mapping[str, Any], profile: Profile) -> list[str]:
    """Return missing inputs of a method, and settings of other methods, which the service would ignore."""
    method = props.get("method")
    if not isinstance(method, dict) or not isinstance(kind := method.get("type"), str):
        return []
    found = [
        f"method.{other}: does not match type {kind!r}: set the type to {other!r}, or move these settings to method.{kind}"
        for other in METHODS
        if other != kind and method.get(other) is not None
    ]
    if kind == "reinforcement" and method.get(kind) is None:
        found.append("method.reinforcement: is missing: this type requires a grader")
    requires_validation = profile.requires_validation_file and _grader_type(props) != LAMBDA
    if kind == "reinforcement" and requires_validation and props.get("validation_file") is None:
        found.append("validation_file: is missing: reinforcement training requires a validation file")
    return found


def load_catalog(settings: Settings, described: Mapping[str, Any] | None = None) -> Catalog:
    """Load the catalog of a service's base models, including the user's corrections.

    Args:
        settings: The settings.
        described: Base models as the service describes them.

    Raises:
        SettingsError: The setting `openai-ft:catalog` is malformed.
    """
    overrides = settings.catalog
    return Catalog.load(
        json.loads(overrides) if overrides else None, service=settings.profile.name, described=described
    )


def method_warnings(inputs: Mapping[str, Any]) -> list[str]:
    """Return warnings about a method that OpenAI's guides and its specification describe differently."""
    method = inputs.get("method")
    settings = method.get("reinforcement") if isinstance(method, dict) else None
    return (
        grader_warnings(settings.get("grader"), "method.reinforcement.grader")
        if isinstance(settings, dict)
        else []
    )


def model_warnings(inputs: Mapping[str, Any], catalog: Catalog, days: int, today: date) -> list[str]:
    """Return the warnings about the job's base model.

    Args:
        inputs: The job's inputs. The result is empty while the model is unknown.
        catalog: The catalog of base models.
        days: Number of days before the model's shutdown at which warnings begin.
        today: The date on which the job would be created.
    """
    model, method = inputs.get("model"), requested_method(inputs)
    if not isinstance(model, str):
        return []
    kind = method.get("type") if isinstance(method, dict) else "supervised"
    found = catalog_warnings(catalog, model, str(kind), today=today, days=days)
    return [warning.brief() for warning in found]
