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
        ("days", 0, "a whole number from 1"),
        ("days", 1.5, "a whole number from 1"),
        ("days", float("inf"), "a whole number from 1"),
        ("days", True, "a whole number from 1"),
        ("list", "a", "a list of texts"),
        ("list", [1], "a list of texts"),
        ("pattern", "[", "a regular expression"),
        ("strict", "yes", "true or false"),
        ("unknowns", "ignore", "'skip' or 'report'"),
        ("values", {"owner": 1}, "an object of texts"),
    ],
)
def test_invalid_configuration_is_reported_with_the_expected_form(
    name: str, value: Any, expected: str
) -> None:
    assert schema_errors(SCHEMA, {name: value}) == [f"{name} is {value!r}, write {expected}"]


def test_an_unknown_name_is_reported() -> None:
    assert schema_errors({"days": SCHEMA["days"], "list": SCHEMA["list"]}, {"day": 3}) == [
        "day is not known, write one of days, list"
    ]
