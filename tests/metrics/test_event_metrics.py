from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._client.objects import Event
from pulumi_openai_ft._metrics.event_metrics import EventMetrics, metrics_of_events, parse_metrics
from pulumi_openai_ft._metrics.steps import StepMetrics

SUPERVISED = {
    "step": 4,
    "total_steps": 8,
    "train_loss": 0.5,
    "train_mean_token_accuracy": 0.8,
    "valid_loss": 0.6,
    "valid_mean_token_accuracy": 0.7,
    "full_valid_loss": 0.65,
    "full_valid_mean_token_accuracy": 0.75,
}


def event(at: int | None = 7, message: str = "", **fields: Any) -> Event:
    return Event(**{"id": "ftevent-1", "created_at": at, "message": message, "type": "metrics", **fields})


def losses(*given: tuple[int | None, int, float]) -> list[Event]:
    """Return metrics events, given by time, step and loss."""
    return [event(at, data={"step": step, "train_loss": loss}) for at, step, loss in given]


def test_every_metric_of_the_data_is_read() -> None:
    assert parse_metrics(event(data=SUPERVISED)) == EventMetrics(
        7,
        8,
        StepMetrics(
            step=4,
            train_loss=0.5,
            train_accuracy=0.8,
            valid_loss=0.6,
            valid_accuracy=0.7,
            full_valid_loss=0.65,
            full_valid_accuracy=0.75,
        ),
    )


def test_rewards_are_read_from_data_and_scores() -> None:
    data = {
        "step": 2,
        "train_mean_reward": 0.4,
        "scores": {"train_reward_mean": 0.1, "valid_reward_mean": 0.6},
    }

    assert parse_metrics(event(data=data)) == EventMetrics(
        7, 0, StepMetrics(step=2, train_reward=0.4, valid_reward=0.6)
    )


def test_the_message_completes_the_data() -> None:
    found = parse_metrics(
        event(message="Step 3/10: training loss=0.15, validation loss=0.2", data={"train_loss": 0.149})
    )

    assert found == EventMetrics(7, 10, StepMetrics(step=3, train_loss=0.149, valid_loss=0.2))


def test_other_events_give_no_rows() -> None:
    assert metrics_of_events([event(message="The job has started", type="message")]) == []


def test_a_resumed_job_counts_with_its_later_values() -> None:
    """The clock of the events decides, and among events of the same second, the API's order, newest first."""
    events = losses((9, 3, 0.3), (9, 2, 0.4), (5, 3, 0.8), (5, 2, 0.9), (None, 1, 1.0))

    assert [(row.step, row.train_loss) for row in metrics_of_events(events)] == [(1, 1.0), (2, 0.4), (3, 0.3)]


@given(st.lists(st.integers(1, 30), unique=True), st.randoms())
def test_rows_are_sorted_by_step(steps: list[int], random: Any) -> None:
    events = losses(*((step, step, 1 / step) for step in steps))
    random.shuffle(events)

    assert [row.step for row in metrics_of_events(events)] == sorted(steps)
