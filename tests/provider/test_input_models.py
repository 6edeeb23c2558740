from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown
from tests.support import parameter_id

from pulumi_openai_ft._provider.checkpoint_permission import CheckpointPermissionInputs
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.input_models import integers_from_floats, public_properties, validation_errors
from pulumi_openai_ft._provider.job.inputs import (
    DpoHyperparameters,
    FineTuningJobInputs,
    ReinforcementHyperparameters,
    SupervisedHyperparameters,
)

JOB: dict[str, Any] = {"model": "gpt-4o-mini-2024-07-18", "training_file": "file-1"}
GRADER = {"type": "string_check", "name": "g", "input": "a", "reference": "b", "operation": "eq"}
OF_ALL = ("n_epochs", "batch_size", "learning_rate_multiplier")
METHODS = {
    "supervised": OF_ALL,
    "dpo": (*OF_ALL, "beta"),
    "reinforcement": (
        *OF_ALL,
        "reasoning_effort",
        "compute_multiplier",
        "eval_interval",
        "eval_samples",
    ),
}
FITTING: dict[str, list[Any]] = {
    "n_epochs": ["auto", 1, 1.0, 50.0],
    "batch_size": ["auto", 1, 256],
    "learning_rate_multiplier": ["auto", 1e-300, 1, 1e300],
    "beta": ["auto", 1e-300, 0.5, 2],
    "reasoning_effort": ["default", "low", "medium", "high"],
    "compute_multiplier": ["auto", 0.0000101, 1, 10],
    "eval_interval": ["auto", 1, 1000000],
    "eval_samples": ["auto", 1, 1000000],
}
NOT_WHOLE = [
    (0, "'auto' or at least 1"),
    (1.5, "'auto' or a whole number"),
    (True, "'auto' or a whole number"),
]
EFFORTS = "'default', 'low', 'medium' or 'high'"
NOT_FITTING: dict[str, list[tuple[Any, str]]] = {
    "n_epochs": [*NOT_WHOLE, (51, "'auto' or at most 50"), ("3", "'auto' or a whole number")],
    "batch_size": [*NOT_WHOLE, (257, "'auto' or at most 256")],
    "learning_rate_multiplier": [(0, "'auto' or above 0"), (-1, "'auto' or above 0")],
    "beta": [(0, "'auto' or above 0"), (2.0001, "'auto' or at most 2"), ("low", "'auto' or a number")],
    "reasoning_effort": [("auto", EFFORTS), (1, EFFORTS)],
    "compute_multiplier": [(0.00001, "'auto' or above 1e-05"), (10.001, "'auto' or at most 10")],
    "eval_interval": NOT_WHOLE,
    "eval_samples": NOT_WHOLE,
}

anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.builds(Unknown),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def hyperparameters(method: str = "supervised", **values: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {"hyperparameters": values}
    if method == "reinforcement":
        settings["grader"] = GRADER
    return {**JOB, "method": {"type": method, method: settings}}


def test_whole_floats_become_integers_recursively() -> None:
    assert (
        repr(integers_from_floats({"a": 3.0, "b": [1.0, 0.1], "c": {"d": 2.0}}))
        == "{'a': 3, 'b': [1, 0.1], 'c': {'d': 2}}"
    )


def test_hidden_and_unset_properties_are_not_visible() -> None:
    assert public_properties({"__provider": "x", "__identity": "y", "seed": None, "model": "m"}) == {
        "model": "m"
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"seed": 0.0},
        {"suffix": "s" * 64},
        {"metadata": {f"k{n}": "v" for n in range(15)}},
        {"integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": ["a"]}}]},
        hyperparameters(n_epochs=3.0, batch_size="auto", learning_rate_multiplier=2.0),
        hyperparameters("dpo", beta=0.1),
        hyperparameters("reinforcement", reasoning_effort="low", compute_multiplier=10.0, eval_samples=1.0),
        {"training_file": Unknown()},
        {"method": Unknown()},
        hyperparameters(n_epochs=Unknown()),
        {"metadata": {"a": Unknown()}},
    ],
    ids=parameter_id,
)
def test_good_inputs_have_no_problems(changes: dict[str, Any]) -> None:
    assert validation_errors(FineTuningJobInputs, {**JOB, **changes}) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": None}, "model: is missing"),
        ({"model": ""}, "model: '' is invalid: must be a string of at least 1 characters"),
        ({"modle": "x"}, "modle: is not a known property. Did you mean 'model'?"),
        ({"seed": -1.0}, "seed: -1 is invalid: must be at least 0"),
        ({"seed": True}, "seed: True is invalid: must be a whole number"),
        (
            hyperparameters(n_epochs=51.0),
            "method.supervised.hyperparameters.n_epochs: 51 is invalid: must be 'auto' or at most 50",
        ),
        (
            hyperparameters(n_epochs="three"),
            "method.supervised.hyperparameters.n_epochs: 'three' is invalid: must be 'auto' or a whole number",
        ),
        (hyperparameters(beta=0.1), "method.supervised.hyperparameters.beta: is not a known property"),
        (
            {"method": {"type": "lora"}},
            "method.type: 'lora' is invalid: must be 'supervised', 'dpo' or 'reinforcement'",
        ),
        ({"integrations": [{"type": "wandb", "wandb": {}}]}, "integrations[0].wandb.project: is missing"),
        ({"metadata": {"a": 1.0}}, "metadata.a: 1 is invalid: must be a string"),
        ({"wait_for_completion": "yes"}, "wait_for_completion: 'yes' is invalid: must be True or False"),
        (
            hyperparameters("dpo", beta=0.0),
            "method.dpo.hyperparameters.beta: 0 is invalid: must be 'auto' or above 0",
        ),
    ],
    ids=parameter_id,
)
def test_a_problem_names_path_value_and_expectation(changes: dict[str, Any], sentence: str) -> None:
    assert validation_errors(FineTuningJobInputs, {**JOB, **changes}) == [sentence]


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [(method, name, value) for method, names in METHODS.items() for name in names for value in FITTING[name]],
)
def test_a_hyperparameter_reaches_its_borders(method: str, name: str, value: Any) -> None:
    assert validation_errors(FineTuningJobInputs, hyperparameters(method, **{name: value})) == []


@pytest.mark.parametrize(
    ("method", "name", "value", "reason"),
    [
        (method, name, value, reason)
        for method, names in METHODS.items()
        for name in names
        for value, reason in NOT_FITTING[name]
    ],
)
def test_a_hyperparameter_stays_within_its_borders(method: str, name: str, value: Any, reason: str) -> None:
    path = f"method.{method}.hyperparameters.{name}"

    assert validation_errors(FineTuningJobInputs, hyperparameters(method, **{name: value})) == [
        f"{path}: {value!r} is invalid: must be {reason}"
    ]


@pytest.mark.parametrize(
    ("method", "name"),
    [(method, name) for method, names in METHODS.items() for name in FITTING if name not in names],
)
def test_a_hyperparameter_of_another_method_is_reported(method: str, name: str) -> None:
    assert validation_errors(FineTuningJobInputs, hyperparameters(method, **{name: "auto"})) == [
        f"method.{method}.hyperparameters.{name}: is not a known property"
    ]


def test_every_hyperparameter_has_its_borders_tested() -> None:
    for method, model in (
        ("supervised", SupervisedHyperparameters),
        ("dpo", DpoHyperparameters),
        ("reinforcement", ReinforcementHyperparameters),
    ):
        assert set(model.model_fields) == set(METHODS[method])


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"model": None}, "model"),
        ({"training_file": None}, "training_file"),
        ({"method": {"dpo": {}}}, "method.type"),
        ({"method": {"type": "reinforcement", "reinforcement": {}}}, "method.reinforcement.grader"),
        ({"integrations": [{"wandb": {"project": "p"}}]}, "integrations[0].type"),
        ({"integrations": [{"type": "wandb"}]}, "integrations[0].wandb"),
        ({"integrations": [{"type": "wandb", "wandb": {"name": "n"}}]}, "integrations[0].wandb.project"),
    ],
    ids=parameter_id,
)
def test_a_missing_required_input_is_reported(changes: dict[str, Any], path: str) -> None:
    assert validation_errors(FineTuningJobInputs, {**JOB, **changes}) == [f"{path}: is missing"]


def test_all_problems_are_reported_at_once() -> None:
    assert len(validation_errors(FineTuningJobInputs, {"seed": -1, "suffix": ""})) == 4


@given(st.dictionaries(st.sampled_from([*FineTuningJobInputs.model_fields, "other"]), anything))
def test_checking_a_job_never_raises(props: dict[str, Any]) -> None:
    assert all(isinstance(sentence, str) for sentence in validation_errors(FineTuningJobInputs, props))


@given(
    st.dictionaries(
        st.sampled_from([*FileInputs.model_fields, *CheckpointPermissionInputs.model_fields]), anything
    )
)
def test_checking_files_and_permissions_never_raises(props: dict[str, Any]) -> None:
    for model in (FileInputs, CheckpointPermissionInputs):
        assert all(isinstance(sentence, str) for sentence in validation_errors(model, props))
