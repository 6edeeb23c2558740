"""Validation and defaults of the body of POST /fine_tuning/jobs. Source: docs/openai-api.md#create-a-job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.api_limits import LIMITS, METHODS, RANGES
from pulumi_openai_ft.server.errors import invalid
from pulumi_openai_ft.server.graders import check_grader
from pulumi_openai_ft.server.validators import (
    Check,
    anything,
    either,
    fields,
    items,
    nullable,
    number,
    one_of,
    pairs,
    text,
    whole,
)

if TYPE_CHECKING:
    from pulumi_openai_ft.server.rules import Rules

METADATA = pairs(
    text(maximum=LIMITS["metadata_value_length"]),
    longest_key=LIMITS["metadata_key_length"],
    maximum=LIMITS["metadata_pairs"],
)


def _whole(name: str) -> Check:
    return either("auto", whole(**RANGES[name]))


def _number(name: str) -> Check:
    return either("auto", number(**RANGES[name]))


_COMMON: dict[str, Check] = {
    "n_epochs": _whole("n_epochs"),
    "batch_size": _whole("batch_size"),
    "learning_rate_multiplier": _number("learning_rate_multiplier"),
}
HYPERPARAMETERS: dict[str, dict[str, Check]] = {
    "supervised": _COMMON,
    "dpo": {**_COMMON, "beta": _number("beta")},
    "reinforcement": {
        **_COMMON,
        "reasoning_effort": one_of("default", "low", "medium", "high"),
        "compute_multiplier": _number("compute_multiplier"),
        "eval_interval": _whole("eval_interval"),
        "eval_samples": _whole("eval_samples"),
    },
}
"""The hyperparameters of each method."""

_WANDB = fields(
    {"project": text(1)},
    {"name": nullable(text()), "entity": nullable(text()), "tags": nullable(items(text()))},
)


def _hyperparameters(method: str) -> Check:
    return fields({}, HYPERPARAMETERS[method])


_REINFORCEMENT = fields(
    {"grader": check_grader},
    {"hyperparameters": _hyperparameters("reinforcement"), "response_format": nullable(pairs(anything))},
)
_METHOD = fields(
    {"type": one_of(*METHODS)},
    {
        "supervised": nullable(fields({}, {"hyperparameters": _hyperparameters("supervised")})),
        "dpo": nullable(fields({}, {"hyperparameters": _hyperparameters("dpo")})),
        "reinforcement": nullable(_REINFORCEMENT),
    },
)
_REQUIRED: dict[str, Check] = {"model": text(1), "training_file": text(1)}
_OPTIONAL: dict[str, Check] = {
    "validation_file": nullable(text(1)),
    "suffix": nullable(text(**RANGES["suffix_length"])),
    "seed": nullable(whole(**RANGES["seed"])),
    "metadata": nullable(METADATA),
    "integrations": nullable(
        items(fields({"type": one_of("wandb"), "wandb": _WANDB}), maximum=LIMITS["integrations"])
    ),
    "method": nullable(_METHOD),
    "hyperparameters": nullable(fields({}, _COMMON)),
}
_BODY = fields(_REQUIRED, _OPTIONAL)


def check_job_request(body: Any) -> None:
    """Raise a 400 if the body is invalid. Model and files are not checked here."""
    _BODY(body, "")
    method = body.get("method") or {"type": "supervised"}
    kind = method["type"]
    for other in HYPERPARAMETERS:
        if other != kind and method.get(other) is not None:
            raise invalid(
                f"'method.{other}' cannot be used with method.type '{kind}'.",
                f"method.{other}",
                "invalid_value",
            )
    if kind == "reinforcement" and method.get(kind) is None:
        missing = f"method.{kind}"
        raise invalid(f"Missing required parameter: '{missing}'.", missing, "missing_required_parameter")
    if kind == "reinforcement" and body.get("validation_file") is None:
        raise invalid(
            "Reinforcement fine-tuning needs a validation file.",
            "validation_file",
            "missing_required_parameter",
        )


def own_method(body: Any, rules: Rules) -> dict[str, Any] | None:
    """Return the method of the body if only this service has it or its grader, with all common hyperparameters."""
    method = body.get("method") if isinstance(body, dict) else None
    kind = method.get("type") if isinstance(method, dict) else None
    if not (rules.takes_any_method and isinstance(method, dict) and isinstance(kind, str)):
        return None
    block = method[kind] if isinstance(method.get(kind), dict) else {}
    grader = block.get("grader")
    if kind in METHODS and not (isinstance(grader, dict) and grader.get("type") == "lambda"):
        return None
    given = block.get("hyperparameters")
    resolved = {**dict.fromkeys(_COMMON, "auto"), **(given if isinstance(given, dict) else {})}
    return {**method, kind: {**block, "hyperparameters": resolved}}


def refuse_fields(body: Any, rules: Rules) -> None:
    """Raise a 400 if the body has a field of the API that the service lacks."""
    for name in rules.refused_fields:
        if isinstance(body, dict) and body.get(name) is not None:
            raise invalid(f"Unsupported parameter: '{name}'.", name, "unsupported_parameter")


def ordered_method(body: dict[str, Any]) -> dict[str, Any]:
    """Return the method of a validated body, with missing hyperparameters set to "auto"."""
    method = body.get("method") or {"type": "supervised"}
    kind = method["type"]
    block = method.get(kind) or {}
    given = block.get("hyperparameters", body.get("hyperparameters") or {})
    resolved = {name: given.get(name, "auto") for name in HYPERPARAMETERS[kind] if name != "reasoning_effort"}
    if kind == "reinforcement":
        resolved["reasoning_effort"] = given.get("reasoning_effort", "default")
    return {"type": kind, kind: {**block, "hyperparameters": resolved}}


def split_extras(body: Any, rules: Rules) -> tuple[Any, dict[str, Any]]:
    """Remove fields and hyperparameters that the mode accepts beyond the API.

    Return the body and the removed hyperparameters.
    """
    if not isinstance(body, dict):
        return body, {}
    known = {**_REQUIRED, **_OPTIONAL}
    body = {name: value for name, value in body.items() if not rules.takes(name, known)}
    given = _given_hyperparameters(body)
    if not (rules.takes_any_hyperparameter and given):
        return body, {}
    method, kind = body["method"], body["method"]["type"]
    standard = {name: value for name, value in given.items() if name in HYPERPARAMETERS[kind]}
    block = {**method[kind], "hyperparameters": standard}
    extras = {name: value for name, value in given.items() if name not in standard}
    return {**body, "method": {**method, kind: block}}, extras


def with_hyperparameters(method: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return a method of `ordered_method` with added or replaced hyperparameters."""
    kind = method["type"]
    block = method[kind]
    return {**method, kind: {**block, "hyperparameters": {**block["hyperparameters"], **more}}}


def _given_hyperparameters(body: dict[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters of the body's method, or an empty dictionary if the method is unknown."""
    method = body.get("method")
    kind = method.get("type") if isinstance(method, dict) else None
    block = method.get(kind) if isinstance(method, dict) and kind in tuple(HYPERPARAMETERS) else None
    given = block.get("hyperparameters") if isinstance(block, dict) else None
    return given if isinstance(given, dict) else {}
