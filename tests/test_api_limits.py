from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from pulumi_openai_ft import _shared
from pulumi_openai_ft._provider.input_models import validation_errors
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs, Method
from pulumi_openai_ft._shared.api_limits import METHODS, RANGES, Range
from pulumi_openai_ft.emulator.errors import ApiError
from pulumi_openai_ft.emulator.job_request import HYPERPARAMETERS, check_job_request

DATA = json.loads(Path(_shared.__path__[0]).parent.joinpath("api_limits.json").read_text())
OF_METHOD = [(kind, name) for kind, names in HYPERPARAMETERS.items() for name in names if name in RANGES]
GRADER = {"type": "string_check", "name": "g", "input": "a", "reference": "b", "operation": "eq"}


def job(kind: str, name: str, value: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"hyperparameters": {name: value}}
    if kind == "reinforcement":
        settings["grader"] = GRADER
    method = {"type": kind, kind: settings}
    return {"model": "m", "training_file": "file-1", "validation_file": "file-2", "method": method}


def is_taken_by_provider(body: dict[str, Any]) -> bool:
    return validation_errors(FineTuningJobInputs, body) == []


def is_taken_by_emulator(body: dict[str, Any]) -> bool:
    try:
        check_job_request(body)
    except ApiError:
        return False
    return True


def ends(limits: Range) -> dict[float, bool]:
    """Numbers on both sides of each end, and whether the range has them."""
    found: dict[float, bool] = {}
    if limits.minimum is not None:
        found |= {limits.minimum: True, limits.minimum - 1: False}
    if limits.above is not None:
        found |= {limits.above: False, limits.above + 0.001: True}
    if limits.maximum is not None:
        found |= {limits.maximum: True, limits.maximum + 1: False}
    return found


@pytest.mark.parametrize(("kind", "name"), OF_METHOD)
def test_provider_and_emulator_draw_the_same_line(kind: str, name: str) -> None:
    for value, is_within in ends(RANGES[name]).items():
        body = job(kind, name, value)

        assert is_taken_by_provider(body) is is_within, value
        assert is_taken_by_emulator(body) is is_within, value
        assert (value in RANGES[name]) is is_within, value


@pytest.mark.parametrize(("kind", "name"), OF_METHOD)
def test_a_number_as_text_is_refused_by_both(kind: str, name: str) -> None:
    body = job(kind, name, "1")

    assert not is_taken_by_provider(body)
    assert not is_taken_by_emulator(body)


def test_the_methods_are_the_same_everywhere() -> None:
    assert METHODS == tuple(DATA["methods"]) == tuple(HYPERPARAMETERS)
    assert get_args(Method.model_fields["type"].annotation) == METHODS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("n_epochs", "1 to 50"),
        ("learning_rate_multiplier", "above 0"),
        ("beta", "above 0 to 2"),
        ("compute_multiplier", "above 0.00001 to 10"),
        ("eval_samples", "1"),
    ],
)
def test_a_range_is_shown_by_its_ends(name: str, text: str) -> None:
    assert str(RANGES[name]) == text
