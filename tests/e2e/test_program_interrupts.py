"""Pulumi interrupts the program of a cancelled command: its cleanup runs, and its errors are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import RunningCommand, freeze_jobs, with_data
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack
    from tests.e2e.running import FinishedCommand

pytestmark = pytest.mark.e2e
PROGRAM = """
import asyncio, atexit, time
import pulumi_openai_ft as ft

async def work(_id):
    await asyncio.sleep(2)  # the job is registered during this time
    print("working", flush=True)
    try:
        time.sleep(300)
    finally:
        print("in finally")
{in_finally}

atexit.register(print, "at exit")
data = ft.File("data", file="data.jsonl")
ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=data)
data.id.apply(work)
"""


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs make no progress."""
    with Emulator(today=TODAY) as emulator:
        freeze_jobs(emulator)
        yield emulator


def interrupt_program(stack: Stack) -> FinishedCommand:
    with RunningCommand.start(with_data(stack), "up") as up:
        up.await_line("validating_files")
        up.await_line("working")
        up.interrupt()
        return up.end()


def test_cleanup_of_an_interrupted_program_runs(
    make_stack: Callable[..., Stack], *, interrupts_programs: bool
) -> None:
    output = interrupt_program(make_stack(PROGRAM.format(in_finally=""))).text

    assert ("in finally" in output, "at exit" in output) == (interrupts_programs, interrupts_programs)
    assert "the command was interrupted" in output
    assert "Traceback" not in output


def test_an_exception_of_an_interrupted_program_is_shown(
    make_stack: Callable[..., Stack], *, interrupts_programs: bool
) -> None:
    raising = '        raise ValueError("of the program")'
    output = interrupt_program(make_stack(PROGRAM.format(in_finally=raising))).text

    assert ("Traceback (most recent call last)" in output) == interrupts_programs
    assert ("ValueError: of the program" in output) == interrupts_programs
    assert "the command was interrupted" in output
