"""The commands that show jobs use the settings and the state of the stack, also while `pulumi up` creates a job."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import RunningCommand, finish_jobs, freeze_jobs, wait_until, with_data
from tests.emulator.support import connect
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
PROGRAM = """
import pulumi_openai_ft as ft

ft.FineTunedModel("support", model="gpt-4o-mini-2024-07-18", training_file="data.jsonl")
"""
RUN = "import sys; from pulumi_openai_ft.cli.main import main; sys.exit(main())"


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs make no progress."""
    with Emulator(today=TODAY) as emulator:
        freeze_jobs(emulator)
        yield emulator


def command(stack: Stack, *arguments: str) -> list[str]:
    return [sys.executable, "-c", RUN, *arguments, "--cwd", str(stack.folder)]


def test_a_resource_is_watched_while_up_creates_its_job(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    stack = with_data(make_stack(PROGRAM, OPENAI_BASE_URL=None))
    stack.configure(**{"openai-ft:baseUrl": service.url})
    with RunningCommand.start(stack, "up", "--yes", "--skip-preview") as up:
        wait_until(lambda: bool(service.jobs()))
        (job,) = service.jobs()
        watch = subprocess.Popen(
            command(stack, "watch", "support"), env=stack.environment, stdout=subprocess.PIPE, text=True
        )
        assert watch.stdout is not None
        first = watch.stdout.readline()
        finish_jobs(service)
        rest, _ = watch.communicate(timeout=90)
        assert up.end().code == 0

    assert first.startswith("validating_files")
    assert f"job {job['id']} created model" in rest
    assert watch.returncode == 0
    listed = subprocess.run(
        command(stack, "jobs", "--json"), env=stack.environment, capture_output=True, text=True, check=True
    )
    assert [found["id"] for found in json.loads(listed.stdout)] == [job["id"]]


@pytest.mark.long
def test_a_service_without_events_is_named(make_stack: Callable[..., Stack], service: Emulator) -> None:
    stack = make_stack(PROGRAM)
    stack.configure(**{"openai-ft:service": "generic"})
    with connect(service) as api:
        job_id = api.train()["id"]
    finish_jobs(service)

    watched, events = (
        subprocess.run(
            command(stack, name, job_id), env=stack.environment, capture_output=True, text=True, check=False
        )
        for name in ("watch", "events")
    )

    assert watched.returncode == 0
    assert "does not support job events" in watched.stderr
    assert "created model" in watched.stdout
    assert events.returncode == 1
    assert "does not support job events" in events.stderr
