from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._client.objects import Event
from pulumi_openai_ft._metrics.steps import HIGHEST
from pulumi_openai_ft._provider.progress.metrics import MetricValue, displayed_metrics

DATA = {
    "step": 300,
    "total_steps": 303,
    "train_loss": 0.1499,
    "valid_loss": 0.2657,
    "full_valid_loss": 0.4033,
}
FOUND = {
    "step": MetricValue(7, 300, 300),
    "steps": MetricValue(7, 300, 303),
    "training": MetricValue(7, 300, 0.1499, "loss"),
    "validation": MetricValue(7, 300, 0.4033, "loss"),
}


def event(message: str = "", **fields: Any) -> Event:
    return Event(**{"id": "ftevent-1", "created_at": 7, "message": message, "type": "metrics", **fields})


def values(event: Event) -> dict[str, float]:
    return {name: figure.value for name, figure in displayed_metrics(event).items()}


def test_reads_the_data_of_a_step() -> None:
    assert displayed_metrics(event(data=DATA)) == FOUND


@pytest.mark.parametrize("kind", ["metrics", "message", "progress", None])
def test_reads_the_message_of_any_event_without_data(kind: str | None) -> None:
    message = "Step 300/303: training loss=0.1499, validation loss=0.2657, full validation loss=0.4033"

    assert displayed_metrics(event(message, type=kind, data=None)) == FOUND


@pytest.mark.parametrize(
    "message",
    [
        "step 3 of 10 - train_loss: 0.5",
        "[worker 0] STEP 3/10 Train Loss = 5e-1",
        "Step 3/10: training loss 0.5",
    ],
)
def test_reads_other_wordings(message: str) -> None:
    assert values(event(message, type="message")) == {"step": 3, "steps": 10, "training": 0.5}


@pytest.mark.parametrize(
    "losses",
    ["full validation loss=0.4, validation loss=0.2", "validation loss=0.2, full validation loss=0.4"],
)
def test_full_validation_takes_precedence_over_partial_validation(losses: str) -> None:
    assert values(event(f"Step 1/2: {losses}"))["validation"] == 0.4


def test_the_data_counts_more_than_the_rounded_message() -> None:
    assert values(event("Step 1/2: training loss=0.15", data={"train_loss": 0.1499}))["training"] == 0.1499


def test_metrics_missing_in_the_data_come_from_the_message() -> None:
    found = values(event("Step 1/2: training loss=0.15", data={"step": None, "train_loss": "n/a"}))

    assert found == {"step": 1, "steps": 2, "training": 0.15}


@pytest.mark.parametrize(
    "data",
    [
        {"train_mean_reward": 0.4, "full_valid_mean_reward": 0.6},
        {"scores": {"train_reward_mean": 0.4, "valid_reward_mean": 0.6}},
    ],
)
def test_reinforcement_has_rewards(data: dict[str, Any]) -> None:
    found = displayed_metrics(event(data={"step": 2, "total_steps": 8, **data}))

    assert found["training"] == MetricValue(7, 2, 0.4, "reward")
    assert found["validation"] == MetricValue(7, 2, 0.6, "reward")


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("Fine-tuning job started", {}),
        (
            "Checkpoint created at step 24: ft:m:o::abc:ckpt-step-24",
            {"data": {"step": 24, "train_loss": 0.5}},
        ),
        ("Training loss=0.5", {"type": "metrics"}),
        ("", {"type": "metrics", "data": {"train_loss": 0.5}}),
        ("", {"type": "metrics", "data": {"step": -1}}),
        ("", {"type": "metrics", "data": {"step": True}}),
    ],
)
def test_an_event_without_a_step_has_no_metrics(message: str, fields: dict[str, Any]) -> None:
    assert displayed_metrics(event(message, **{"type": "message", **fields})) == {}


@pytest.mark.parametrize("value", [None, "high", [0.5], {}, True, 1e300, 10**400, float("nan"), float("inf")])
def test_invalid_numbers_are_omitted(value: object) -> None:
    assert values(event(data={"step": 3, "train_loss": value})) == {"step": 3}


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text("0123456789.e-x", max_size=8)
names = st.sampled_from([*DATA, "scores", "train_mean_reward"]) | st.text(max_size=8)
values_of = st.dictionaries(
    names, scalars | st.lists(scalars, max_size=2) | st.dictionaries(names, scalars, max_size=3)
)


@given(
    st.builds("Step {}/{}: {} loss={}".format, *[st.text("0123456789.e-x ", max_size=8)] * 4) | st.text(),
    values_of | st.none(),
    st.sampled_from(["metrics", "message", "other", None]),
)
def test_any_event_is_accepted(message: str, data: dict[str, Any] | None, kind: str | None) -> None:
    found = displayed_metrics(event(message, data=data, type=kind))

    assert all(abs(figure.value) <= HIGHEST and figure.step >= 0 for figure in found.values())
    assert not found or "step" in found
