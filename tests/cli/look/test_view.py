from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pulumi_openai_ft._client.objects import Event, Job
from pulumi_openai_ft._metrics.steps import StepMetrics
from pulumi_openai_ft._provider.progress.job_progress import Position
from pulumi_openai_ft.cli.look.snapshot import Snapshot
from pulumi_openai_ft.cli.look.view import HINT, JobView

JOB = Job(
    id="ftjob-abc",
    status="running",
    model="gpt-4o-mini",
    user_provided_suffix="support",
    created_at=1_800_000_000,
)
EVENTS = [Event(id=f"e{n}", created_at=1_800_000_000 + n, message=f"message {n}") for n in range(20)]
BRAILLE = re.compile("[\u2801-\u28ff]")


def rows(count: int) -> list[StepMetrics]:
    return [
        StepMetrics(
            step=step,
            train_loss=2 / step,
            train_accuracy=0.5,
            valid_loss=2.2 / step if step % 10 == 0 else None,
        )
        for step in range(1, count + 1)
    ]


SNAPSHOT = Snapshot(JOB, Position(50, 100), "1 min 5 s", "about 1 min left", rows(50), EVENTS, ())


def shown(view: JobView, width: int = 100, height: int = 30, encoding: str = "utf-8") -> list[str]:
    """Return the lines of a terminal with a view."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", newline="")
    console = Console(file=file, width=width, height=height, force_terminal=True, legacy_windows=False)
    lines = console.render_lines(view, pad=False)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


def test_everything_is_shown() -> None:
    lines = shown(JobView(SNAPSHOT))

    assert lines[0] == "ftjob-abc · gpt-4o-mini · support"
    assert lines[1] == "running · step 50/100 · 1 min 5 s · about 1 min left"
    assert set(lines[2]) <= set("━╸╺")
    assert lines[3] == "loss 0.0400 · validation 0.0440"
    assert lines[4] == "accuracy 0.500"
    assert lines[-2].endswith("message 19")
    assert lines[-1] == HINT
    assert len(lines) == 30


def test_the_axis_begins_and_ends_with_the_steps() -> None:
    lines = shown(JobView(SNAPSHOT))

    (axis,) = [line.split() for line in lines if re.fullmatch(r"\s+1\s+25\s+50", line)]
    assert axis == ["1", "25", "50"]
    assert any("2.00┤" in line for line in lines)


@given(
    width=st.integers(1, 200),
    height=st.integers(1, 80),
    steps=st.integers(0, 60),
    is_live=st.booleans(),
    events=st.integers(0, 20),
)
def test_the_picture_fits_every_terminal(
    width: int, height: int, steps: int, *, is_live: bool, events: int
) -> None:
    position = Position(steps, 100) if steps else None
    snapshot = Snapshot(JOB, position, "1 h", "", rows(steps), EVENTS[:events], ("a note " * 30,))

    lines = shown(JobView(snapshot, is_live=is_live), width, height)

    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert not is_live or lines[-1][:5] == HINT[:5][:width] or width < 6


@pytest.mark.parametrize(
    ("width", "height", "has_curve"), [(100, 30, True), (40, 20, True), (40, 10, False), (20, 30, False)]
)
def test_the_curve_needs_space(width: int, height: int, *, has_curve: bool) -> None:
    assert bool(BRAILLE.search("\n".join(shown(JobView(SNAPSHOT), width, height)))) == has_curve


def test_a_terminal_without_unicode_shows_no_curve() -> None:
    lines = shown(JobView(SNAPSHOT), encoding="ascii")

    assert not BRAILLE.search("\n".join(lines))
    assert len([line for line in lines if "message" in line]) == 20


def test_rewards_are_drawn_instead_of_losses() -> None:
    measured = [StepMetrics(step=step, train_reward=step / 10, full_valid_reward=0.5) for step in (1, 2, 3)]

    lines = shown(JobView(Snapshot(JOB, Position(3, 9), rows=measured)))

    assert "reward 0.300 · full validation 0.500" in lines
    assert BRAILLE.search("\n".join(lines))


def test_a_lacking_feature_is_named() -> None:
    lines = shown(JobView(Snapshot(JOB, notes=("the service 'generic' does not support job events",))))

    assert lines == [
        "ftjob-abc · gpt-4o-mini · support",
        "running",
        "the service 'generic' does not support job events",
        HINT,
    ]


def test_control_characters_and_markup_are_harmless() -> None:
    job = JOB.model_copy(update={"user_provided_suffix": "\x1b[31m[red]x[/red]\n", "status": "new\x07"})
    events = [Event(id="e", message="\x1b[2J[bold]hello\u202e", level="\x1b")]

    text = "\n".join(shown(JobView(Snapshot(job, events=events))))

    assert "[31m[red]x[/red]" in text
    assert "[2J[bold]hello" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=400))
def test_any_values_can_be_drawn(values: list[float]) -> None:
    measured = [StepMetrics(step=step, train_loss=value) for step, value in enumerate(values)]

    lines = shown(JobView(Snapshot(JOB, rows=measured)), 80, 24)

    assert BRAILLE.search("\n".join(lines))
    assert len(lines) <= 24
