from __future__ import annotations

from typing import Any

import pytest

from pulumi_openai_ft.policies._schema import (
    DATE,
    choice,
    defaults,
    expression,
    pairs,
    schema_errors,
    switch,
    text,
    texts,
    whole_number,
)

SCHEMA = {
    "date": text("", "", form=DATE),
    "days": whole_number(60, ""),
    "list": texts("", "a"),
    "pattern": expression("^x", ""),
    "strict": switch(default=False, description=""),
    "unknowns": choice("skip", "report", description=""),
    "values": pairs(""),
}


def test_defaults_fit() -> None:
    assert schema_errors(SCHEMA, defaults(SCHEMA)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("date", "2027-01-06"),
        ("days", 1),
        ("days", 30.0),
        ("list", []),
        ("pattern", "[a-z]+"),
        ("strict", True),
        ("unknowns", "report"),
        ("values", {"owner": "x"}),
    ],
)
def test_valid_configuration_is_accepted(name: str, value: Any) -> None:
    assert schema_errors(SCHEMA, {name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("date", "tomorrow", "a date such as 2027-01-06"),
        ("date", "2027-02-30", "a date such as 2027-01-06"),
        ("date", "2027-01-06\n", "a date such as 2027-01-06"),
        ("days", 0, "an integer of at least 1"),
        ("days", 1.5, "an integer of at least 1"),
        ("days", float("inf"), "an integer of at least 1"),
        ("days", True, "an integer of at least 1"),
        ("list", "a", "a list of strings"),
        ("list", [1], "a list of strings"),
        ("pattern", "[", "a regular expression"),
        ("strict", "yes", "true or false"),
        ("unknowns", "ignore", "'skip' or 'report'"),
        ("values", {"owner": 1}, "an object with string values"),
    ],
)
def test_an_invalid_value_is_reported_with_its_fix(name: str, value: Any, expected: str) -> None:
    assert schema_errors(SCHEMA, {name: value}) == [f"{name} is {value!r}, must be {expected}"]


def test_an_unknown_name_is_reported() -> None:
    assert schema_errors({"days": SCHEMA["days"], "list": SCHEMA["list"]}, {"day": 3}) == [
        "unknown option 'day', must be one of days, list. Did you mean 'days'?"
    ]
