from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown

from pulumi_openai_ft._provider.input_models import integers_from_floats
from pulumi_openai_ft._provider.job.validation import (
    API_HYPERPARAMETERS,
    conflicting_inputs,
    metadata_warnings,
    split_hyperparameters,
    unsupported_features,
    with_hyperparameters,
)
from pulumi_openai_ft._service_profiles import FEATURES, PROFILES
from pulumi_openai_ft._shared.api_limits import METHODS

LACKING_ALL = replace(PROFILES["generic"], unsupported=frozenset(FEATURES))

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.builds(Unknown),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from([*sorted(API_HYPERPARAMETERS), "lora", "lora_r", "packing"])
ALLOWED = st.sampled_from([(), ("lora",), ("*",), ("*", "lora"), ("lora", "lora_r", "packing")])


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw properties of a job with all kinds of hyperparameters."""
    kind = draw(st.sampled_from(METHODS))
    hyperparameters = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    block = {**draw(st.sampled_from([{}, {"grader": {"type": "multi"}}])), "hyperparameters": hyperparameters}
    return {"model": "m", "__identity": "me", "method": {"type": kind, kind: block}}


def job(**hyperparameters: Any) -> dict[str, Any]:
    method = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    return {"model": "m", "training_file": "file-1", "method": method}


def given_to(props: dict[str, Any]) -> dict[str, Any]:
    method = props["method"]
    found: dict[str, Any] = method[method["type"]]["hyperparameters"]
    return found


class TestSplitting:
    @given(jobs(), ALLOWED)
    def test_extracted_values_can_be_restored(self, props: dict[str, Any], allowed: tuple[str, ...]) -> None:
        known, extra = split_hyperparameters(props, allowed)

        whole = with_hyperparameters(known, extra)

        expected = {
            name: integers_from_floats(value) if name in extra else value
            for name, value in given_to(props).items()
        }
        assert given_to(whole) == expected
        assert {**whole, "method": None} == {**props, "method": None}

    @given(jobs(), ALLOWED)
    def test_each_hyperparameter_is_on_one_side(
        self, props: dict[str, Any], allowed: tuple[str, ...]
    ) -> None:
        known, extra = split_hyperparameters(props, allowed)

        assert sorted([*given_to(known), *extra]) == sorted(given_to(props))
        assert all(name in allowed or ("*" in allowed and name not in API_HYPERPARAMETERS) for name in extra)
        assert not any(
            name in allowed or ("*" in allowed and name not in API_HYPERPARAMETERS)
            for name in given_to(known)
        )

    @given(st.dictionaries(st.sampled_from(["method", "paused", "metadata", "cancel_after_timeout"]), VALUES))
    def test_values_without_parts_to_split_are_unchanged(self, props: dict[str, Any]) -> None:
        known, extra = split_hyperparameters(props, ("*",))

        assert (known, extra) == (props, {})
        assert with_hyperparameters(known, extra) == props

    def test_the_properties_are_not_changed(self) -> None:
        props = job(n_epochs=1, lora=True)

        known, extra = split_hyperparameters(props, ("lora",))
        with_hyperparameters(known, extra)

        assert props == job(n_epochs=1, lora=True)

    def test_a_hyperparameter_of_the_api_stays_under_the_star(self) -> None:
        _, extra = split_hyperparameters(job(n_epochs=1, beta=1, lora=True), ("*",))

        assert extra == {"lora": True}

    def test_whole_numbers_are_restored_as_integers(self) -> None:
        known, extra = split_hyperparameters(job(lora_r=8.0), ("lora_r",))

        assert repr(given_to(with_hyperparameters(known, extra))) == "{'lora_r': 8}"


class TestUnsupportedFeatures:
    @pytest.mark.parametrize(
        ("props", "path", "feature"),
        [
            ({"paused": True}, "paused", "pause"),
            ({"metadata": {"a": "b"}}, "metadata", "metadata"),
            (job(n_epochs=1, batch_size="auto"), "method.supervised.hyperparameters.batch_size", "auto"),
            (
                {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": "auto"}}}},
                "method.dpo.hyperparameters.beta",
                "auto",
            ),
        ],
        ids=["pause", "metadata", "auto", "auto of dpo"],
    )
    def test_is_reported_with_the_path_only_where_unsupported(
        self, props: dict[str, Any], path: str, feature: str
    ) -> None:
        assert unsupported_features(props, LACKING_ALL) == [
            f"{path}: {LACKING_ALL.unsupported_message(feature)}"
        ]
        assert (
            unsupported_features(props, replace(LACKING_ALL, unsupported=frozenset(FEATURES) - {feature}))
            == []
        )

    @pytest.mark.parametrize(
        "props", [{}, {"paused": False}, {"metadata": {}}, job(n_epochs=3), job()], ids=repr
    )
    def test_unused_features_are_not_reported(self, props: dict[str, Any]) -> None:
        assert unsupported_features(props, LACKING_ALL) == []

    def test_each_unsupported_feature_is_reported_separately(self) -> None:
        props = {**job(n_epochs="auto"), "paused": True, "metadata": {"a": "b"}}

        paths = [sentence.partition(":")[0] for sentence in unsupported_features(props, LACKING_ALL)]

        assert paths == ["paused", "metadata", "method.supervised.hyperparameters.n_epochs"]


class TestContradictions:
    @pytest.mark.parametrize(
        ("props", "path"),
        [
            ({"cancel_after_timeout": 60, "wait_for_completion": False}, "cancel_after_timeout"),
            ({"method": {"type": "supervised", "dpo": {}}}, "method.dpo"),
            ({"method": {"type": "reinforcement", "reinforcement": {}}}, "validation_file"),
            ({"method": {"type": "reinforcement"}, "validation_file": "f"}, "method.reinforcement"),
        ],
        ids=repr,
    )
    def test_are_reported_with_the_path(self, props: dict[str, Any], path: str) -> None:
        (sentence,) = conflicting_inputs(props)

        assert sentence.startswith(f"{path}: ")

    @pytest.mark.parametrize(
        "props",
        [
            {},
            job(n_epochs=1),
            {"cancel_after_timeout": 60},
            {"cancel_after_timeout": 60, "wait_for_completion": True},
            {"wait_for_completion": False},
            {"method": {"type": "reinforcement", "reinforcement": {}}, "validation_file": "f"},
        ],
        ids=repr,
    )
    def test_compatible_inputs_have_no_conflicts(self, props: dict[str, Any]) -> None:
        assert conflicting_inputs(props) == []


@pytest.mark.parametrize(("pairs", "warns"), [(0, False), (14, False), (15, True)])
def test_metadata_without_space_for_the_content_key_warns(pairs: int, warns: bool) -> None:  # noqa: FBT001 - a table
    found = metadata_warnings({"metadata": {f"k{number}": "v" for number in range(pairs)}})

    assert bool(found) is warns
    assert all(message.startswith("metadata: 15 pairs leave no space") for message in found)
