"""Pulumi interrupts the program when a command is cancelled: what the program does then, it still does and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import Running, hold, with_data
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack
    from tests.e2e.running import Ended

pytestmark = pytest.mark.e2e
PROGRAM = """
import asyncio, atexit, time
import pulumi_openai_ft as ft

async def work(_id):
    await asyncio.sleep(2)  # the job is registered meanwhile
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
    """An emulator whose jobs stand still."""
    with Emulator(today=TODAY) as emulator:
        hold(emulator)
        yield emulator


def interrupted(stack: Stack) -> Ended:
    with Running.start(with_data(stack), "up") as up:
        up.await_line("validating_files")
        up.await_line("working")
        up.interrupt()
        return up.end()


def test_cleanup_of_an_interrupted_program_runs(
    make_stack: Callable[..., Stack], *, interrupts_programs: bool
) -> None:
    said = interrupted(make_stack(PROGRAM.format(in_finally=""))).text

    assert ("in finally" in said, "at exit" in said) == (interrupts_programs, interrupts_programs)
    assert "the command was interrupted" in said
    assert "Traceback" not in said


def test_an_exception_of_an_interrupted_program_is_shown(
    make_stack: Callable[..., Stack], *, interrupts_programs: bool
) -> None:
    raising = '        raise ValueError("of the program")'
    said = interrupted(make_stack(PROGRAM.format(in_finally=raising))).text

    assert ("Traceback (most recent call last)" in said) == interrupts_programs
    assert ("ValueError: of the program" in said) == interrupts_programs
    assert "the command was interrupted" in said
