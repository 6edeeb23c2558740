from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._metrics.steps import HIGHEST, METRICS, StepMetrics, by_step, step_metrics

OTHER_NAMES = {
    "train_loss": ["training_loss", "Training Loss", "train loss"],
    "train_accuracy": [
        "train_mean_token_accuracy",
        "training_token_accuracy",
        "training_mean_token_accuracy",
    ],
    "valid_loss": ["validation_loss", "Validation loss"],
    "valid_accuracy": ["valid_mean_token_accuracy", "validation_mean_token_accuracy"],
    "full_valid_loss": ["full_validation_loss", "full validation loss"],
    "full_valid_accuracy": ["full_valid_mean_token_accuracy", "full_validation_mean_token_accuracy"],
    "train_reward": ["train_mean_reward", "train_reward_mean"],
    "valid_reward": ["valid_mean_reward", "valid_reward_mean", "validation_reward"],
    "full_valid_reward": ["full_valid_mean_reward", "full_validation_mean_reward"],
}
NAMES = [(metric, name) for metric, others in OTHER_NAMES.items() for name in (metric, *others)]


def test_every_metric_has_other_names_tested() -> None:
    assert list(OTHER_NAMES) == list(METRICS)


@pytest.mark.parametrize(("metric", "name"), NAMES)
def test_names_of_services_are_recognized(metric: str, name: str) -> None:
    assert step_metrics({"step": 3, name: 0.5}) == StepMetrics(step=3, **{metric: 0.5})


@pytest.mark.parametrize("step", [None, "", -1, 2.5, "two", True, 1e300, float("nan")])
def test_values_without_a_whole_step_are_no_row(step: object) -> None:
    assert step_metrics({"step": step, "train_loss": 0.5}) is None


@pytest.mark.parametrize("value", [None, "", "high", [0.5], {}, True, 1e300, 10**400, "nan", float("inf")])
def test_implausible_values_count_as_not_measured(value: object) -> None:
    assert step_metrics({"step": "3", "train_loss": value}) == StepMetrics(step=3)


@given(
    st.dictionaries(
        st.sampled_from([name for _, name in NAMES] + ["step"]) | st.text(),
        st.none() | st.floats() | st.text(),
    )
)
def test_any_values_give_plausible_metrics_or_none(values: dict[str, object]) -> None:
    found = step_metrics(values)

    assert found is None or all(abs(value) <= HIGHEST for value in found.measured.values())


def test_a_repeated_step_takes_the_later_values() -> None:
    rows = [
        StepMetrics(step=2, train_loss=0.9, full_valid_loss=0.8),
        StepMetrics(step=1, train_loss=1.0),
        StepMetrics(step=2, train_loss=0.5),
    ]

    assert by_step(rows) == [
        StepMetrics(step=1, train_loss=1.0),
        StepMetrics(step=2, train_loss=0.5, full_valid_loss=0.8),
    ]
