from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_clock import FakeClock
from tests.support import API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import Event, Job
from pulumi_openai_ft._provider.progress.job_progress import (
    LONGEST,
    MOST_MESSAGES,
    PROMPT,
    SHORTEST,
    JobProgress,
    Throttle,
)
from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator

START = 1_790_000_000
MODEL = "ft:gpt-4.1-mini-2025-04-14:acme:support:AbCd1234"
MODEL_CREATED = f"job ftjob-1 created model {MODEL}"
HOUR = 3600
TWO_HOURS = 2 * HOUR


def job(status: str = "running", **fields: Any) -> Job:
    return Job(**{"id": "ftjob-1", "status": status, "model": "m", "created_at": START, **fields})


def event(message: str, at: float = 0, **fields: Any) -> Event:
    return Event(**{"id": "ftevent-1", "created_at": START + int(at), "message": message, **fields})


def step(number: int, at: float = 0, of: int = 400, **data: Any) -> Event:
    return event(
        f"Step {number}/{of}: …", at, type="metrics", data={"step": number, "total_steps": of, **data}
    )


class Watch:
    """The progress of a job, polled at times that the test chooses."""

    def __init__(self) -> None:
        self.time = FakeClock(START)
        self.progress = JobProgress("ftjob-1", self.time.time)

    def see(self, at: float, job: Job, events: Sequence[Event] = ()) -> str:
        self.time.now = START + at
        self.progress.update(job, events)
        return self.progress.line()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.mark.parametrize(
    ("status", "seconds", "line"),
    [
        ("queued", 180, "queued · 3 min"),
        ("validating_files", 10.9, "validating_files · 10 s"),
        ("contemplating", HOUR + 61, "contemplating · 1 h 1 min"),
        ("paused", 3 * 86400 + 5, "paused · 3 d"),
        ("queued", -5, "queued · 0 s"),
        ("two\nlines \x1b[2J", 1, "two lines [2J · 1 s"),
        ("x" * 300, 1, f"{'x' * 39}… · 1 s"),
    ],
)
def test_a_job_before_training_shows_status_and_age(
    status: str, seconds: float, line: str, watch: Watch
) -> None:
    assert watch.see(seconds, job(status)) == line


def test_a_job_without_a_date_has_no_age() -> None:
    progress = JobProgress("ftjob-1")
    progress.update(job(created_at=0), [])

    assert progress.line() == "running"


def test_a_job_that_trains_shows_all_that_is_known(watch: Watch) -> None:
    line = watch.see(
        725,
        job(estimated_finish=START + 725 + 28 * 60 + 11),
        [step(120, 724, train_loss=0.51249), step(110, 700, train_loss=0.7, full_valid_loss=0.6012)],
    )

    assert (
        line
        == "running · step 120/400 (30 %) · loss 0.512, validation 0.601 · 12 min 5 s · about 28 min left"
    )


def test_a_long_job_fits_into_a_line(watch: Watch) -> None:
    figures = step(123_456, 0, of=200_000, train_loss=0.000123456, valid_loss=12.3456)

    assert len(watch.see(86_399, job(estimated_finish=START + 2 * 86_400), [figures])) <= 105


def test_the_stable_part_omits_values_that_depend_on_time(watch: Watch) -> None:
    events = [step(120, 724, train_loss=0.51249)]

    watch.see(725, job(estimated_finish=START + 3000), events)
    before = watch.progress.stable_part()
    watch.see(1400, job(estimated_finish=START + 3100), events)

    assert before == watch.progress.stable_part() == "running · step 120/400 (30 %) · loss 0.512"


def test_reinforcement_shows_rewards(watch: Watch) -> None:
    watch.see(10, job(), [step(3, of=8, train_mean_reward=0.4, full_valid_mean_reward=0.5)])

    assert watch.progress.stable_part() == "running · step 3/8 (37 %) · reward 0.400, validation 0.500"


def test_a_step_beyond_the_last_has_no_percentage(watch: Watch) -> None:
    assert watch.see(10, job(), [step(401)]) == "running · step 401 · 10 s"


def test_a_resumed_job_continues_from_an_earlier_step(watch: Watch) -> None:
    watch.see(100, job("paused"), [step(150, 90), step(149, 89)])

    assert watch.see(300, job(), [step(101, 290), step(150, 90)]) == "running · step 101/400 (25 %) · 5 min"


def test_an_older_page_does_not_move_progress_back(watch: Watch) -> None:
    watch.see(100, job(), [step(20, 20, train_loss=0.5, valid_loss=0.6), step(19, 19, train_loss=0.7)])

    line = watch.see(100, job(), [step(19, 19, train_loss=0.7), step(10, 10, valid_loss=0.9)])

    assert line.startswith("running · step 20/400 (5 %) · loss 0.500, validation 0.600")


def test_a_finished_job_shows_its_duration(watch: Watch) -> None:
    done = job("succeeded", finished_at=START + 2700, estimated_finish=START + 9000)

    assert watch.see(5000, done, [step(400, 2690)]) == "succeeded · step 400/400 (100 %) · 45 min"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_job_without_a_known_end_has_no_duration(status: str, watch: Watch) -> None:
    assert watch.see(5000, job(status), [step(7, 100)]) == f"{status} · step 7/400 (1 %)"
    assert watch.see(5000, job(status, finished_at=START + 60)).endswith(" · 1 min")


def train(
    watch: Watch, seconds: float, steps_a_second: float, first: int = 0, status: str = "running"
) -> str:
    """Poll when training is first seen and again after a number of seconds."""
    watch.see(600, job(status), [step(first, 600)])
    return watch.see(600 + seconds, job(status), [step(first + int(seconds * steps_a_second), 600 + seconds)])


@pytest.mark.parametrize("status", ["running", "fine-tuning"])
def test_without_an_estimate_the_observed_speed_predicts_the_end(status: str, watch: Watch) -> None:
    assert train(watch, 60, 0.5, first=70, status=status).endswith("about 10 min left")


@pytest.mark.parametrize(
    ("seconds", "steps_a_second"),
    [(5, 2), (60, 0.03), (60, 0)],
    ids=["too early", "too little", "no progress"],
)
def test_a_briefly_observed_speed_predicts_nothing(
    seconds: float, steps_a_second: float, watch: Watch
) -> None:
    assert "left" not in train(watch, seconds, steps_a_second)


def test_a_short_observation_predicts_only_the_near_future(watch: Watch) -> None:
    watch.see(600, job(), [step(0, 600, of=1_000_000)])

    assert "left" not in watch.see(660, job(), [step(30, 660, of=1_000_000)])


def test_the_time_before_a_pause_does_not_count(watch: Watch) -> None:
    train(watch, 60, 1)
    watch.see(700, job("paused"), [step(60, 660)])
    watch.see(9000, job(), [step(60, 660)])

    assert watch.see(9100, job(), [step(160, 9100)]).endswith("about 4 min left")


def test_steps_that_went_backwards_do_not_count(watch: Watch) -> None:
    train(watch, 60, 1, first=100)
    watch.see(1000, job(), [step(50, 1000)])

    assert watch.see(1100, job(), [step(200, 1100)]).endswith("about 2 min 10 s left")


@pytest.mark.parametrize("finish", [START + 650, (START + 900) * 1000])
def test_the_observed_speed_replaces_an_impossible_estimate(finish: int, watch: Watch) -> None:
    train(watch, 60, 1)

    assert watch.see(700, job(estimated_finish=finish), [step(100, 700)]).endswith("about 5 min left")


@pytest.mark.parametrize("status", ["paused", "succeeded", "cancelled"])
def test_a_stopped_job_has_no_remaining_time(status: str, watch: Watch) -> None:
    train(watch, 60, 1)

    assert "left" not in watch.see(700, job(status, estimated_finish=START + 900), [step(100, 700)])


@pytest.mark.parametrize("finish", [START + 100 * 365 * 86400, (START + 900) * 1000, 10**30, -1])
def test_an_unrealistic_estimate_is_not_shown(finish: int, watch: Watch) -> None:
    assert watch.see(700, job(estimated_finish=finish)) == "running · 11 min 40 s"


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [
        (1, "10 s"),
        (44, "40 s"),
        (275, "4 min 40 s"),
        (1690, "28 min"),
        (7900, "2 h 10 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_the_remaining_time_is_rounded(seconds: int, reported: str, watch: Watch) -> None:
    assert watch.see(0, job(estimated_finish=START + seconds)).endswith(f"about {reported} left")


LIFE = [
    event("Created fine-tuning job: ftjob-1", 0),
    event("Validating training file: file-1", 0),
    event("Row 7 is cut to 65536 tokens", 5, level="warn"),
    event("Fine-tuning job started", 20),
    step(24, 30, of=36),
    event("Something else", 35, type="carrier_pigeon", data={"checkpoints": [1]}),
    step(36, 40, of=36),
    event(f"Checkpoint created at step 12 with Snapshot ID: {MODEL}:ckpt-step-12", 41),
    event(f"Checkpoint created at step 24 with Snapshot ID: {MODEL}:ckpt-step-24", 41),
    event("New fine-tuned model created", 41),
    event("The job has successfully completed", 41),
    event(f"Snapshot {MODEL} passed", 43, type="moderation_checks", data={"blocked": False}),
]
"""Oldest first."""
MILESTONES = [
    "job ftjob-1: warning: Row 7 is cut to 65536 tokens",
    f"job ftjob-1: Checkpoint created at step 12 with Snapshot ID: {MODEL}:ckpt-step-12",
    f"job ftjob-1: Checkpoint created at step 24 with Snapshot ID: {MODEL}:ckpt-step-24",
    MODEL_CREATED,
    f"job ftjob-1: Snapshot {MODEL} passed",
]


def test_milestones_are_reported_in_order_of_time(watch: Watch) -> None:
    watch.see(50, job("succeeded", fine_tuned_model=MODEL, finished_at=START + 41), LIFE[::-1])

    assert watch.progress.milestones() == MILESTONES
    assert watch.progress.milestones() == []


def test_overlapping_pages_report_milestones_once(watch: Watch) -> None:
    reported = []
    for last in range(1, len(LIFE) + 1):
        is_done = last > 10
        done = {"fine_tuned_model": MODEL, "finished_at": START + 41} if is_done else {}
        watch.see(
            last, job("succeeded" if is_done else "running", **done), LIFE[max(0, last - 4) : last][::-1]
        )
        reported += watch.progress.milestones()

    assert reported == MILESTONES


def test_only_errors_other_than_the_jobs_are_reported(watch: Watch) -> None:
    events = [event("too few rows", 2, level="error"), event("disk full", 1, level="error")]

    watch.see(5, job("failed", error={"code": "invalid_n_examples", "message": "too few rows"}), events)

    assert watch.progress.milestones() == ["job ftjob-1: error: disk full"]


def test_words_in_a_models_name_are_not_milestones(watch: Watch) -> None:
    watch.see(5, job(), [event("Loading ft:gpt-4.1:acme:moderation-checkpoint:AbCd1234")])

    assert watch.progress.milestones() == []


def test_the_event_of_a_step_is_not_a_milestone(watch: Watch) -> None:
    watch.see(5, job(), [event("Step 3/10: training loss=0.5, checkpoint saved", type="metrics")])

    assert watch.progress.milestones() == []


def test_a_milestone_is_a_single_line(watch: Watch) -> None:
    watch.see(5, job(), [event("first\nsecond\x1b[31m " + "word " * 1000, level="warn")])

    (reported,) = watch.progress.milestones()
    assert reported.startswith("job ftjob-1: warning: first second [31m word")
    assert reported.isprintable()
    assert len(reported) < 600


def test_warnings_at_each_step_do_not_flood_the_log(watch: Watch) -> None:
    reported = []
    for number in range(0, 2000, 10):
        warnings = [
            event(f"Step {number + n}/2000: loss is flat", number + n, level="warn") for n in range(20)
        ]
        watch.see(number, job(), warnings[::-1])
        reported += watch.progress.milestones()
    watch.see(3000, job("succeeded", fine_tuned_model=MODEL))
    reported += watch.progress.milestones()

    assert reported[MOST_MESSAGES - 1] == f"job ftjob-1: warning: Step {MOST_MESSAGES - 1}/2000: loss is flat"
    assert reported[MOST_MESSAGES:] == [
        "job ftjob-1: further messages are omitted; get_fine_tuning_events returns all of them",
        MODEL_CREATED,
    ]


def test_repeated_messages_within_the_limit_are_reported_once(watch: Watch) -> None:
    warnings = [event(f"row {number} is cut", level="warn") for number in range(MOST_MESSAGES)]
    watch.see(5, job(), warnings)
    watch.see(6, job(), warnings)

    assert len(watch.progress.milestones()) == MOST_MESSAGES


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["Step 3/10: training loss=0.5", "Checkpoint created at step 3", "Step 4/4: full validation loss=nan"]
)
events = st.builds(
    Event,
    id=st.just("ftevent-1"),
    created_at=st.integers(),
    level=st.sampled_from(["info", "warn", "error", "Error", "shout", ""]),
    message=TEXTS,
    type=st.sampled_from(["message", "metrics", "moderation_checks", "other", None]),
    data=st.none()
    | st.dictionaries(
        st.sampled_from(["step", "total_steps", "train_loss", "valid_loss", "scores"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=5),
    ),
)
jobs = st.builds(
    Job,
    id=st.just("ftjob-1"),
    status=st.sampled_from(["queued", "running", "paused", "succeeded", "failed", ""]) | st.text(max_size=50),
    model=st.just("m"),
    created_at=st.integers(),
    finished_at=st.none() | st.integers(),
    estimated_finish=st.none() | st.integers() | st.integers(START, START + 10_000),
    fine_tuned_model=st.none() | st.text(max_size=10),
    error=st.none(),
)


@given(
    st.lists(st.tuples(jobs, st.lists(events, max_size=5), st.floats(0, HOUR)), max_size=8),
)
def test_any_sequence_of_events_repeats_no_milestone(polls: list[tuple[Job, list[Event], float]]) -> None:
    time = FakeClock(START)
    progress, reported = JobProgress("ftjob-1", time.time), []
    for seen, page, pause in polls:
        time.sleep(pause)
        progress.update(seen, page)
        reported += progress.milestones()

        assert progress.line().isprintable()
        assert progress.stable_part() in progress.line()

    assert len(reported) == len(set(reported))
    assert len(reported) <= MOST_MESSAGES + 1 + len(polls)


@given(st.permutations(range(12)), st.integers(1, 5))
def test_the_paging_of_events_makes_no_difference(order: list[int], size: int) -> None:
    watch = Watch()
    for start in range(0, 12, size):
        page = order[start : start + size]
        watch.see(
            100, job(), [step(n, n, train_loss=n, **({} if n % 3 else {"valid_loss": n})) for n in page]
        )

    assert watch.progress.stable_part() == "running · step 11/400 (2 %) · loss 11.0, validation 9.00"


def test_follows_a_job_from_creation_to_its_model(slow_service: Emulator, training_data: Path) -> None:
    api = Client(Settings(api_key=API_KEY, base_url=slow_service.url))
    with training_data.open("rb") as content:
        file = api.upload_file("data.jsonl", content, purpose="fine-tune")
    body = {"model": "gpt-4.1-mini-2025-04-14", "training_file": file.id, "validation_file": file.id}
    made = api.create_job(body)
    progress, lines, reported = JobProgress(made.id), [], []
    while not made.is_terminal:
        slow_service.advance(10)
        made = api.job(made.id)
        progress.update(made, list(api.events(made.id, limit=20)))
        lines.append(progress.stable_part())
        reported += progress.milestones()
    api.close()

    assert lines[:2] == ["validating_files", "queued"]
    assert lines[-1].startswith("succeeded · step 96/96 (100 %) · loss 0.")
    assert ", validation 1." in lines[-1]  # the job overfits
    assert [text.split(" created at")[0] for text in reported] == [
        f"job {made.id}: Checkpoint",
        f"job {made.id}: Checkpoint",
        f"job {made.id} created model {made.fine_tuned_model}",
    ]


@pytest.fixture
def time() -> FakeClock:
    return FakeClock(0.0)


def shown_lines(
    throttle: Throttle, time: FakeClock, content: Callable[[float], tuple[str, str]], seconds: float
) -> list[tuple[float, str]]:
    """Offer the content ten times per second, and return the shown lines with their times."""
    passed = []
    for tenth in range(int(seconds * 10)):
        time.now = tenth / 10
        text, status = content(time.now)
        if throttle.due(text, status):
            passed.append((time.now, text))
    return passed


def test_two_hours_print_at_most_three_hundred_lines(time: FakeClock) -> None:
    passed = shown_lines(
        Throttle(time.time), time, lambda now: (f"running · step {now:.1f}", "running"), TWO_HOURS
    )

    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(passed)]
    assert 250 <= len(passed) <= 280
    assert min(pauses) >= SHORTEST
    assert pauses[0] <= SHORTEST + 0.1
    assert LONGEST <= pauses[-1] <= LONGEST + 0.1
    assert len([now for now, _ in passed if now <= 60]) > 20


def test_unchanged_progress_is_shown_once(time: FakeClock) -> None:
    assert len(shown_lines(Throttle(time.time), time, lambda _: ("queued", "queued"), HOUR)) == 1


def test_the_last_update_of_a_burst_is_shown_next(time: FakeClock) -> None:
    def burst(now: float) -> tuple[str, str]:
        return f"step {min(now, 40)}", "running"

    passed = shown_lines(Throttle(time.time), time, burst, 120)

    assert passed[-1][1] == "step 40"
    assert passed[-1][0] <= 40 + 10


def test_another_status_is_shown_at_once(time: FakeClock) -> None:
    throttle = Throttle(time.time)
    shown_lines(throttle, time, lambda now: (f"step {now}", "running"), TWO_HOURS)

    assert not throttle.due("step 7200", "running")
    assert throttle.due("done", "succeeded")
    assert not throttle.due("done", "succeeded")


def test_a_status_that_flaps_does_not_flood_the_log(time: FakeClock) -> None:
    def flap(now: float) -> tuple[str, str]:
        return (f"{int(now) % 2}",) * 2

    assert len(shown_lines(Throttle(time.time), time, flap, TWO_HOURS)) <= 280 + PROMPT
