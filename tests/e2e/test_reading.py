"""A long file of training data: it is read once, users see how far, and Ctrl-C ends it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from benchmarks.training_data import write
from tests.e2e.running import Running, hosts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.long]
PROGRAM = """
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
ft.FineTuningJob("job", model="gpt-4.1-mini-2025-04-14", training_file=data)
"""
MEGABYTES = 300
SOON = 6.0
"""Seconds from Ctrl-C to the end of the command. It is 2 on a machine that does nothing else."""


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(PROGRAM)
    write(made.folder / "data.jsonl", MEGABYTES)
    return made


def test_try(stack: Stack) -> None:
    for command in ("preview", "up"):
        with Running.start(stack, command) as preview:
            ended = preview.end()
        for at, line in preview.lines:
            print(f"{at - preview.started:.2f} {line}")


def test_try2(stack: Stack) -> None:
    with Running.start(stack, "preview") as preview:
        preview.await_line("reading training data")
        pressed = preview.interrupt()
        ended = preview.end()
    print(ended.at - pressed)
    for at, line in preview.lines:
        print(f"{at - preview.started:.2f} {line}")
