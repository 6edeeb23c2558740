from __future__ import annotations

import pytest

from pulumi_openai_ft._metrics.epochs import validation_losses
from pulumi_openai_ft._metrics.steps import StepMetrics


def rows(**losses: list[float | None]) -> list[StepMetrics]:
    """Return the rows of steps 1, 2, … with these losses."""
    ((name, values),) = losses.items()
    return [StepMetrics(step=step, **{name: value}) for step, value in enumerate(values, start=1)]


def test_losses_of_the_whole_file_are_those_of_epochs() -> None:
    assert validation_losses(rows(full_valid_loss=[None, 0.9, None, 0.5]), None) == [0.9, 0.5]


def test_losses_of_batches_are_averaged_per_epoch() -> None:
    assert validation_losses(rows(valid_loss=[1.0, 0.5, None, 0.25, None, 0.75]), 3) == [0.75, 0.25, 0.75]


def test_losses_of_the_whole_file_take_precedence() -> None:
    found = [StepMetrics(step=1, valid_loss=0.2, full_valid_loss=0.3), StepMetrics(step=2, valid_loss=0.1)]

    assert validation_losses(found, 2) == [0.3]


@pytest.mark.parametrize(
    ("found", "n_epochs"),
    [([], 3), (rows(train_loss=[1.0, 0.5]), 2), (rows(valid_loss=[1.0, 0.5]), None)],
    ids=["no steps", "no validation", "unknown epochs"],
)
def test_unmeasured_losses_are_missing(found: list[StepMetrics], n_epochs: int | None) -> None:
    assert validation_losses(found, n_epochs) == []


def test_a_job_with_only_step_zero_has_one_epoch() -> None:
    assert validation_losses([StepMetrics(step=0, valid_loss=0.5)], 3) == [0.5]
