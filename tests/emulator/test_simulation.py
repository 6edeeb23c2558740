from __future__ import annotations

import base64
import csv
import io
import subprocess
import sys
from dataclasses import asdict
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, strategies

from pulumi_openai_ft.emulator.simulation import (
    Plan,
    Step,
    checkpoint_steps,
    plan_training,
    simulated_steps,
    training_step,
)
from pulumi_openai_ft.server.result_files import OPENAI
from pulumi_openai_ft.server.training_data import Summary

METHODS = ("supervised", "dpo", "reinforcement")
PLAN = plan_training(Summary(100, 5_000), {})


def curve(plan: Plan = PLAN, **options: Any) -> list[Step]:
    defaults: dict[str, Any] = {"seed": 42, "method": "supervised", "validation": True}
    return [training_step(plan, step, **(defaults | options)) for step in range(1, plan.total_steps + 1)]


@pytest.mark.parametrize(
    ("examples", "n_epochs"),
    [
        (10, 10),
        (1, 25),
        (4, 25),
        (33, 3),
        (34, 3),
        (100, 3),
        (8_333, 3),
        (8_334, 2),
        (25_001, 1),
        (60_000, 1),
    ],
)
def test_auto_epochs_follow_the_cookbook(examples: int, n_epochs: int) -> None:
    assert plan_training(Summary(examples, 1), {"n_epochs": "auto"}).n_epochs == n_epochs


@pytest.mark.parametrize(
    ("examples", "batch_size"), [(10, 1), (100, 1), (1_000, 2), (50_000, 100), (10**6, 256)]
)
def test_auto_batch_is_a_small_share_of_the_rows(examples: int, batch_size: int) -> None:
    assert plan_training(Summary(examples, 1), {}).batch_size == batch_size


def test_plan_of_hundred_rows_matches_the_observed_plan() -> None:
    assert plan_training(Summary(100, 5_000), {"batch_size": "auto", "n_epochs": None}) == Plan(
        n_epochs=3,
        batch_size=1,
        learning_rate_multiplier=1.8,
        beta=None,
        steps_per_epoch=100,
        total_steps=300,
        trained_tokens=15_000,
    )


def test_given_hyperparameters_are_used() -> None:
    given_values = {"n_epochs": 4, "batch_size": 7, "learning_rate_multiplier": 0.1, "beta": 0.5}

    plan = plan_training(Summary(50, 100), given_values)

    assert {key: asdict(plan)[key] for key in given_values} == given_values
    assert (plan.steps_per_epoch, plan.total_steps, plan.trained_tokens) == (8, 32, 400)


def test_auto_beta_becomes_a_number() -> None:
    assert plan_training(Summary(50, 100), {"beta": "auto"}).beta == 0.1


@pytest.mark.parametrize(("n_epochs", "steps"), [(1, [5]), (2, [5, 10]), (3, [5, 10, 15]), (9, [35, 40, 45])])
def test_checkpoints_are_the_ends_of_the_last_three_epochs(n_epochs: int, steps: list[int]) -> None:
    assert checkpoint_steps(plan_training(Summary(10, 1), {"n_epochs": n_epochs, "batch_size": 2})) == steps


@pytest.mark.parametrize("step", [0, -1, 301])
def test_step_outside_the_plan_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match=rf"step {step} is not within 1\.\.300"):
        training_step(PLAN, step, seed=1, method="supervised", validation=False)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(5))
def test_loss_falls_and_accuracy_rises(method: str, seed: int) -> None:
    steps = curve(method=method, seed=seed)
    thirds = [steps[:100], steps[100:200], steps[200:]]

    losses = [fmean(step.train_loss for step in third) for third in thirds]
    accuracies = [fmean(step.train_mean_token_accuracy for step in third) for third in thirds]

    assert losses == sorted(losses, reverse=True)
    assert accuracies == sorted(accuracies)
    assert steps[-1].train_loss < 0.5 * steps[0].train_loss


def test_loss_jitters() -> None:
    losses = [step.train_loss for step in curve()]

    assert losses != sorted(losses, reverse=True)


def test_validation_loss_is_above_training_loss() -> None:
    for seed in range(5):
        steps = [step for step in curve(seed=seed) if step.valid_loss is not None]
        gap = fmean((step.valid_loss or 0) - step.train_loss for step in steps)
        assert 0 < gap < 0.5


def test_accuracy_orders_as_loss_does() -> None:
    steps = sorted(curve(), key=lambda step: step.train_loss)

    accuracies = [step.train_mean_token_accuracy for step in steps]
    assert accuracies == sorted(accuracies, reverse=True)


def test_dpo_starts_at_even_odds() -> None:
    first = curve(method="dpo")[0]

    assert first.train_loss == pytest.approx(0.693, abs=0.06)
    assert first.train_mean_token_accuracy == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_rewards_rise_in_reinforcement(seed: int) -> None:
    steps = curve(method="reinforcement", seed=seed)
    rewards = [step.train_mean_reward for step in steps if step.train_mean_reward is not None]
    on_validation = [step.full_valid_mean_reward for step in steps if step.full_valid_mean_reward is not None]

    assert len(rewards) == 300
    assert fmean(rewards[-100:]) > fmean(rewards[:100]) + 0.2
    assert len(on_validation) == 3
    assert on_validation == sorted(on_validation)


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_rewards_are_for_reinforcement_only(method: str) -> None:
    assert {step.train_mean_reward for step in curve(method=method)} == {None}


def test_validation_metrics_need_a_validation_file() -> None:
    for step in curve(validation=False, method="reinforcement"):
        assert {value for key, value in step._asdict().items() if "valid" in key} == {None}


def test_full_validation_happens_only_at_epoch_ends() -> None:
    steps = curve()

    assert [step.step for step in steps if step.full_valid_loss is not None] == [100, 200, 300]
    assert len([step for step in steps if step.valid_loss is not None]) == 30


@given(
    rows=strategies.integers(1, 10**6),
    seed=strategies.integers(0, 2**31 - 1),
    method=strategies.sampled_from(METHODS),
    share=strategies.floats(0, 1),
)
def test_metrics_stay_in_their_ranges(rows: int, seed: int, method: str, share: float) -> None:
    plan = plan_training(Summary(rows, 1), {})
    number = 1 + round(share * (plan.total_steps - 1))

    step = training_step(plan, number, seed=seed, method=method, validation=True)

    values = {key: value for key, value in step._asdict().items() if value is not None}
    assert (values.pop("step"), values.pop("total_steps")) == (number, plan.total_steps)
    for key, value in values.items():
        assert 0 < value < (4 if key.endswith("loss") else 1), key


def test_each_seed_gives_a_different_curve() -> None:
    assert curve(seed=1) != curve(seed=2)


def test_another_process_computes_the_same_step() -> None:
    """A restarted emulator continues with the same curve, for any hash seed of Python."""
    program = (
        "from pulumi_openai_ft.emulator.simulation import *\n"
        "from pulumi_openai_ft.server.training_data import Summary\n"
        "plan = plan_training(Summary(100, 5_000), {})\n"
        "print(training_step(plan, 150, seed=42, method='supervised', validation=True))"
    )

    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert output.strip() == repr(curve()[149])


def result_file(method: str) -> list[dict[str, str]]:
    rows = simulated_steps(PLAN, seed=42, method=method, validation=True)
    content = base64.b64decode(OPENAI.content(rows, has_rewards=method == "reinforcement"), validate=True)
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_result_file_holds_every_step() -> None:
    rows = result_file("supervised")

    assert list(rows[0]) == [
        "step",
        "train_loss",
        "train_accuracy",
        "valid_loss",
        "valid_mean_token_accuracy",
    ]
    assert [int(row["step"]) for row in rows] == list(range(1, 301))
    assert rows[0]["valid_loss"] == ""
    assert float(rows[99]["valid_loss"]) == curve()[99].valid_loss
    assert float(rows[99]["train_accuracy"]) == curve()[99].train_mean_token_accuracy


def test_result_file_of_reinforcement_holds_rewards() -> None:
    rows = result_file("reinforcement")

    assert list(rows[0]) == ["step", "train_mean_reward", "full_valid_mean_reward"]
    assert float(rows[-1]["full_valid_mean_reward"]) > float(rows[99]["full_valid_mean_reward"])


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_many_epochs_overfit(method: str) -> None:
    plan = plan_training(Summary(20, 1_000), {"n_epochs": 10, "batch_size": 2, "beta": "auto"})
    ends = [step for step in curve(plan, method=method) if step.full_valid_loss is not None]

    losses = [step.full_valid_loss or 0 for step in ends]
    best = losses.index(min(losses)) + 1

    assert 3 <= best <= 6
    assert losses[-1] > 1.1 * min(losses)
    assert ends[-1].train_loss < ends[best - 1].train_loss
