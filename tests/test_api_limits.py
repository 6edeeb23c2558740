from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from pulumi_openai_ft import _shared
from pulumi_openai_ft._provider.input_models import validation_errors
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs, Method
from pulumi_openai_ft._shared.api_limits import METHODS, RANGES, Range
from pulumi_openai_ft.server.errors import ApiError
from pulumi_openai_ft.server.job_request import HYPERPARAMETERS, check_job_request

DATA = json.loads(Path(_shared.__path__[0]).parent.joinpath("api_limits.json").read_text())
HYPERPARAMETERS_WITH_RANGE = [
    (kind, name) for kind, names in HYPERPARAMETERS.items() for name in names if name in RANGES
]
GRADER = {"type": "string_check", "name": "g", "input": "a", "reference": "b", "operation": "eq"}


def job(kind: str, name: str, value: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"hyperparameters": {name: value}}
    if kind == "reinforcement":
        settings["grader"] = GRADER
    method = {"type": kind, kind: settings}
    return {"model": "m", "training_file": "file-1", "validation_file": "file-2", "method": method}


def provider_accepts(body: dict[str, Any]) -> bool:
    return validation_errors(FineTuningJobInputs, body) == []


def emulator_accepts(body: dict[str, Any]) -> bool:
    try:
        check_job_request(body)
    except ApiError:
        return False
    return True


def boundary_values(limits: Range) -> dict[float, bool]:
    """Return numbers on both sides of each bound, and whether the range contains them."""
    found: dict[float, bool] = {}
    if limits.minimum is not None:
        found |= {limits.minimum: True, limits.minimum - 1: False}
    if limits.above is not None:
        found |= {limits.above: False, limits.above + 0.001: True}
    if limits.maximum is not None:
        found |= {limits.maximum: True, limits.maximum + 1: False}
    return found


@pytest.mark.parametrize(("kind", "name"), HYPERPARAMETERS_WITH_RANGE)
def test_provider_and_emulator_have_the_same_ranges(kind: str, name: str) -> None:
    for value, is_within in boundary_values(RANGES[name]).items():
        body = job(kind, name, value)

        assert provider_accepts(body) is is_within, value
        assert emulator_accepts(body) is is_within, value
        assert (value in RANGES[name]) is is_within, value


@pytest.mark.parametrize(("kind", "name"), HYPERPARAMETERS_WITH_RANGE)
def test_provider_and_emulator_reject_numbers_as_text(kind: str, name: str) -> None:
    body = job(kind, name, "1")

    assert not provider_accepts(body)
    assert not emulator_accepts(body)


def test_all_lists_of_methods_are_equal() -> None:
    assert METHODS == tuple(DATA["methods"]) == tuple(HYPERPARAMETERS)
    assert get_args(Method.model_fields["type"].annotation) == METHODS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n_epochs", "1 to 50"),
        ("learning_rate_multiplier", "above 0"),
        ("beta", "above 0 to 2"),
        ("compute_multiplier", "above 0.00001 to 10"),
        ("eval_samples", "at least 1"),
    ],
)
def test_the_text_of_a_range_names_its_bounds(name: str, text: str) -> None:
    assert str(RANGES[name]) == text
