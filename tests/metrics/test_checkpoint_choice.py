from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._client.objects import Checkpoint
from pulumi_openai_ft._metrics.checkpoint_choice import CheckpointMetric, best_checkpoint
from pulumi_openai_ft._metrics.steps import METRICS
from pulumi_openai_ft.errors import InputError

JOB = "ftjob-1"
LACKS = "no checkpoint of job ftjob-1 has the metric 'full_valid_loss': pass one of "


def checkpoint(step: int | None, **metrics: float | None) -> Checkpoint:
    return Checkpoint(
        id=f"ftckpt_{step}", fine_tuned_model_checkpoint=f"ft:{step}", step_number=step, metrics=metrics
    )


def steps(by: CheckpointMetric, *values: float) -> int | None:
    """Return the best step among checkpoints with these values at steps 1, 2, …, listed last step first."""
    found = [checkpoint(step, **{by: value}) for step, value in enumerate(values, start=1)]
    return best_checkpoint(JOB, found[::-1], by).step_number


def test_every_metric_can_be_chosen() -> None:
    assert get_args(CheckpointMetric) == METRICS


@pytest.mark.parametrize("by", METRICS)
def test_lowest_loss_or_highest_value_is_best(by: CheckpointMetric) -> None:
    assert steps(by, 0.5, 0.2, 0.9) == (2 if by.endswith("loss") else 3)


@pytest.mark.parametrize("by", METRICS)
def test_the_later_of_equal_checkpoints_is_best(by: CheckpointMetric) -> None:
    assert steps(by, 0.5, 0.5, 0.5) == 3


def test_other_names_of_a_metric_count() -> None:
    found = [
        checkpoint(2, full_valid_mean_token_accuracy=0.7),
        checkpoint(1, full_valid_mean_token_accuracy=0.8),
    ]

    assert best_checkpoint(JOB, found, "full_valid_accuracy").step_number == 1


def test_checkpoints_without_the_metric_are_ignored() -> None:
    found = [
        checkpoint(3, train_loss=0.1),
        checkpoint(2, full_valid_loss=0.4),
        checkpoint(None, full_valid_loss=0.5),
    ]

    assert best_checkpoint(JOB, found, "full_valid_loss").step_number == 2


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([], "job ftjob-1 has no checkpoints: a job has them once it has succeeded"),
        (
            [checkpoint(1), checkpoint(2, other=1.0)],
            "no checkpoint of job ftjob-1 has metrics: choose one by its step with get_fine_tuning_checkpoints",
        ),
        (
            [checkpoint(1, train_loss=0.5, train_mean_token_accuracy=0.5)],
            f"{LACKS}train_loss, train_accuracy; validation metrics need a validation file",
        ),
        ([checkpoint(1, valid_loss=0.5)], f"{LACKS}valid_loss"),
    ],
)
def test_a_missing_metric_is_an_error_with_alternatives(found: list[Checkpoint], reason: str) -> None:
    with pytest.raises(InputError) as caught:
        best_checkpoint(JOB, found, "full_valid_loss")

    assert str(caught.value) == f"best_checkpoint: {reason}"


@given(st.lists(st.floats(-10, 10), min_size=1))
def test_no_checkpoint_is_better_than_the_best(values: list[float]) -> None:
    step = steps("valid_loss", *values)

    assert step is not None
    assert values[step - 1] == min(values)
    assert min(values) not in values[step:]
