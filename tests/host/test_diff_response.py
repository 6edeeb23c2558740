from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto.provider_pb2 import DiffResponse, PropertyDiff

from pulumi_openai_ft._provider.base import DetailedDiff
from pulumi_openai_ft.host._protocol import diff_response


def kinds(response: DiffResponse) -> dict[str, Any]:
    return {path: found.kind for path, found in response.detailedDiff.items()}


def test_equal_properties_have_no_difference() -> None:
    found = diff_response(DetailedDiff(), {}, {})

    assert (found.changes, list(found.diffs), list(found.replaces)) == (DiffResponse.DIFF_NONE, [], [])
    assert found.hasDetailedDiff


def test_unfinished_work_is_reported_without_a_difference() -> None:
    found = diff_response(DetailedDiff(is_unfinished=True), {}, {})

    assert (found.changes, kinds(found)) == (DiffResponse.DIFF_SOME, {})


@pytest.mark.parametrize(
    ("olds", "news", "updating", "replacing"),
    [
        ({"a": 1}, {"a": 2}, PropertyDiff.UPDATE, PropertyDiff.UPDATE_REPLACE),
        ({}, {"a": 2}, PropertyDiff.ADD, PropertyDiff.ADD_REPLACE),
        ({"a": None}, {"a": 2}, PropertyDiff.ADD, PropertyDiff.ADD_REPLACE),
        ({"a": 1}, {}, PropertyDiff.DELETE, PropertyDiff.DELETE_REPLACE),
    ],
    ids=["changed", "added", "added to none", "removed"],
)
def test_the_kind_of_a_property_difference(
    olds: dict[str, Any], news: dict[str, Any], updating: Any, replacing: Any
) -> None:
    assert kinds(diff_response(DetailedDiff([], ["a"]), olds, news)) == {"a": updating}
    assert kinds(diff_response(DetailedDiff(["a"]), olds, news)) == {"a": replacing}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("method.supervised.hyperparameters.n_epochs", "method"),
        ('metadata["a b"]', "metadata"),
        ("integrations[0].type", "integrations"),
    ],
)
def test_a_path_leads_into_a_property(path: str, name: str) -> None:
    """Expect only the property's name in older fields of the response."""
    props = {
        "method": {"supervised": {"hyperparameters": {"n_epochs": 3}}},
        "metadata": {"a b": "c"},
        "integrations": [{"type": "wandb"}],
    }
    found = diff_response(DetailedDiff([path]), props, props)

    assert kinds(found) == {path: PropertyDiff.UPDATE_REPLACE}
    assert (list(found.replaces), list(found.diffs)) == ([name], [name])


def test_a_property_with_two_differences_is_named_once() -> None:
    found = diff_response(DetailedDiff(["method.type", "method.dpo"], ["method.x"]), {}, {})

    assert (list(found.replaces), list(found.diffs)) == (["method"], ["method"])


def test_a_path_into_a_new_property_is_an_addition() -> None:
    found = diff_response(DetailedDiff(["metadata.team"]), {}, {"metadata": {"team": "a"}})

    assert kinds(found) == {"metadata.team": PropertyDiff.ADD_REPLACE}


def test_one_replacement_is_enough_to_replace() -> None:
    found = diff_response(DetailedDiff(["model"], ["paused"]), {"model": 1, "paused": True}, {"model": 2})

    assert list(found.replaces) == ["model"]
    assert kinds(found) == {"model": PropertyDiff.UPDATE_REPLACE, "paused": PropertyDiff.DELETE}


@pytest.mark.parametrize("first", [False, True], ids=["new first", "old first"])
def test_the_order_of_a_replacement(first: bool) -> None:  # noqa: FBT001 - a parameter
    found = diff_response(DetailedDiff(["model"], delete_before_replace=first), {}, {})

    assert found.deleteBeforeReplace is first
