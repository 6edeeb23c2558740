"""A large training file: it is read once, with a progress display, and Ctrl-C interrupts it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from benchmarks.training_data import write
from tests.e2e.running import RunningCommand, host_pids, resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.long]
PROGRAM = """
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=data)
"""
MEGABYTES = 300
READING = re.compile(r"reading training data (\d+) % · \d+\.\d of 300\.\d MB · \d+\.\d MB/s$")
SOON = 6.0
"""Maximum seconds from Ctrl-C to the end of the command. An idle machine needs 1."""


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(PROGRAM)
    write(made.folder / "data.jsonl", MEGABYTES)
    return made


def percentages(running: RunningCommand, name: str) -> list[int]:
    """Return the percentages shown in the row of a resource."""
    lines = [line for _, line in running.lines if f" {name} " in line]
    return [int(found[1]) for line in lines if (found := READING.search(line))]


def test_progress_of_reading_a_long_file_is_shown_once(stack: Stack) -> None:
    with RunningCommand.start(stack, "preview") as preview:
        finished = preview.end()
    with RunningCommand.start(stack, "up") as up:
        after = up.end()

    shown_percentages = percentages(preview, "data")
    assert (finished.code, after.code) == (0, 0)
    assert len(shown_percentages) >= 2
    assert shown_percentages == sorted(set(shown_percentages))
    assert "training data read · 300." in finished.text
    assert percentages(preview, "job") == []
    assert percentages(up, "data") == percentages(up, "job") == []
    assert "reading" not in finished.text.partition("Resources:")[2]


def test_ctrl_c_interrupts_reading(stack: Stack, service: Emulator) -> None:
    with RunningCommand.start(stack, "up") as up:
        up.await_line("reading training data")
        pressed = up.interrupt()
        finished = up.end()

    assert finished.code == 1
    assert finished.ended_at - pressed < SOON
    assert "error: the command was interrupted while reading training data" in finished.text
    assert "Traceback" not in finished.text
    assert host_pids(stack) == []
    assert service.files() == []
    assert resources(stack) == {}
