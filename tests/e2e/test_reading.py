"""A long file of training data: it is read once, users see how far, and Ctrl-C ends it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from benchmarks.training_data import write
from tests.e2e.running import Running, hosts_of, resources

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
"""Seconds from Ctrl-C to the end of the command. It is 1 on a machine that does nothing else."""


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(PROGRAM)
    write(made.folder / "data.jsonl", MEGABYTES)
    return made


def per_cents(running: Running, name: str) -> list[int]:
    """How far reading was, each time that it was shown in a resource's row."""
    lines = [line for _, line in running.lines if f" {name} " in line]
    return [int(found[1]) for line in lines if (found := READING.search(line))]


def test_progress_of_reading_a_long_file_is_shown_once(stack: Stack) -> None:
    with Running.start(stack, "preview") as preview:
        ended = preview.end()
    with Running.start(stack, "up") as up:
        after = up.end()

    shown = per_cents(preview, "data")
    assert (ended.code, after.code) == (0, 0)
    assert len(shown) >= 2
    assert shown == sorted(set(shown))
    assert "training data read · 300." in ended.text
    assert per_cents(preview, "job") == []
    assert per_cents(up, "data") == per_cents(up, "job") == []
    assert "reading" not in ended.text.partition("Resources:")[2]


def test_ctrl_c_ends_reading(stack: Stack, service: Emulator) -> None:
    with Running.start(stack, "up") as up:
        up.await_line("reading training data")
        pressed = up.interrupt()
        ended = up.end()

    assert ended.code == 1
    assert ended.at - pressed < SOON
    assert "error: the command was interrupted while reading training data" in ended.text
    assert "Traceback" not in ended.text
    assert hosts_of(stack) == []
    assert service.files() == []
    assert resources(stack) == {}
