"""Our host runs all operations that the engine starts in parallel; Pulumi's own host runs four."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import RunningCommand, finish_jobs, freeze_jobs, resources, wait_until, with_data
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
JOBS = 64
PROGRAM = f"""
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
for number in range({JOBS}):
    ft.FineTuningJob(f"job-{{number}}", model="gpt-4o-mini-2024-07-18", training_file=data, seed=number)
"""


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs make no progress."""
    with Emulator(today=TODAY) as emulator:
        freeze_jobs(emulator)
        yield emulator


def test_64_jobs_wait_in_parallel(make_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = with_data(make_stack(PROGRAM))
    with RunningCommand.start(stack, "up", "--parallel", str(JOBS)) as up:
        wait_until(lambda: len(service.journal(method="POST", path="/v1/fine_tuning/jobs")) == JOBS, up)
        for number in range(JOBS):
            up.await_line(f"job-{number} creating")
        assert {job["status"] for job in service.jobs()} == {"validating_files"}
        finish_jobs(service)
        finished = up.end()

    assert finished.code == 0, finished.text
    assert {job["status"] for job in service.jobs()} == {"succeeded"}
    assert {found["id"] for name, found in resources(stack).items() if name != "data"} == {
        job["id"] for job in service.jobs()
    }
