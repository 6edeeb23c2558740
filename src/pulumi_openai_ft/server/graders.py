"""Graders of reinforcement fine-tuning, as data. Source: docs/openai-api.md#graders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.errors import invalid
from pulumi_openai_ft.server.validators import (
    Check,
    anything,
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
    from collections.abc import Mapping

_METRICS = (
    "cosine",
    "fuzzy_match",
    "bleu",
    "gleu",
    "meteor",
    *(f"rouge_{n}" for n in range(1, 6)),
    "rouge_l",
)
_SAMPLING = fields(
    {},
    {
        "seed": nullable(whole()),
        "top_p": nullable(number()),
        "temperature": nullable(number()),
        "max_completions_tokens": nullable(whole(1)),
        "reasoning_effort": nullable(text()),
    },
)


def check_grader(value: Any, path: str) -> None:
    """Accept a grader that is allowed at the top level of a reinforcement job."""
    _check(value, path, _TOP)


def _check_inner(value: Any, path: str) -> None:
    _check(value, path, _INNER)


def _check_inner_graders(value: Any, path: str) -> None:
    # Schema, example and guide differ. Source: docs/openai-api.md#graders
    if isinstance(value, list):
        items(_check_inner, minimum=1)(value, path)
    elif isinstance(value, dict) and "type" in value:
        _check_inner(value, path)
    else:
        pairs(_check_inner)(value, path)


def _check(value: Any, path: str, kinds: Mapping[str, Check]) -> None:
    if not isinstance(value, dict):
        raise invalid(f"Invalid type for '{path}': expected an object.", path, "invalid_type")
    if "type" not in value:
        place = f"{path}.type"
        raise invalid(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")
    one_of(*kinds)(value["type"], f"{path}.type")
    kinds[value["type"]](value, path)


_TYPE_AND_NAME = {"type": text(), "name": text(1)}
# The guides omit some names and use `pass_threshold`; the specification does not. Source: docs/openai-api.md#graders
_TYPE, _MAYBE_NAME = {"type": text()}, {"name": nullable(text(1))}
_GUIDE = {"pass_threshold": nullable(number())}
_TOP: dict[str, Check] = {
    "string_check": fields(
        {
            **_TYPE_AND_NAME,
            "input": text(),
            "reference": text(),
            "operation": one_of("eq", "ne", "like", "ilike"),
        },
        _GUIDE,
    ),
    "text_similarity": fields(
        {**_TYPE_AND_NAME, "input": text(), "reference": text(), "evaluation_metric": one_of(*_METRICS)},
        _GUIDE,
    ),
    "score_model": fields(
        {**_TYPE_AND_NAME, "model": text(1), "input": items(anything, minimum=1)},
        {
            "sampling_params": nullable(_SAMPLING),
            "range": nullable(items(number(), minimum=2, maximum=2)),
            **_GUIDE,
        },
    ),
    "python": fields({**_TYPE, "source": text(1)}, {"image_tag": nullable(text()), **_MAYBE_NAME, **_GUIDE}),
    "multi": fields(
        {**_TYPE, "graders": _check_inner_graders, "calculate_output": text(1)}, {**_MAYBE_NAME, **_GUIDE}
    ),
}
_INNER: dict[str, Check] = {
    **{kind: check for kind, check in _TOP.items() if kind != "multi"},
    "label_model": fields(
        {
            **_TYPE_AND_NAME,
            "model": text(1),
            "input": items(anything, minimum=1),
            "labels": items(text(), minimum=1),
            "passing_labels": items(text(), minimum=1),
        },
        _GUIDE,
    ),
}
