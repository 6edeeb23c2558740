"""A large file is uploaded in parts, and the next run does not repeat the parts of an interrupted run."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import RunningCommand, host_pids, wait_until, with_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
PROGRAM = """
import pulumi_openai_ft as ft

ft.File("data", file="data.jsonl")
"""
LARGE = "config:\n  openai-ft:multipartThreshold:\n    value: 0.002\n"
"""Files above 2 kB are uploaded in parts of 500 bytes."""
PARTS = "/v1/uploads/*/parts"
PARTS_BEFORE_HANG = 4
FOREVER = 300.0


def kill(stack: Stack, _up: RunningCommand) -> None:
    (host,) = host_pids(stack)
    os.kill(host, signal.SIGKILL)


def interrupt(_stack: Stack, up: RunningCommand) -> None:
    up.interrupt()


@pytest.mark.core
@pytest.mark.parametrize("end", [kill, pytest.param(interrupt, marks=pytest.mark.long)])
def test_an_interrupted_upload_is_resumed(
    make_stack: Callable[..., Stack], service: Emulator, end: Callable[[Stack, RunningCommand], None]
) -> None:
    stack = with_data(make_stack(PROGRAM), rows=40)
    with (stack.folder / "Pulumi.yaml").open("a") as project:
        project.write(LARGE)
    data = (stack.folder / "data.jsonl").read_bytes()
    fault = service.fault("POST", PARTS, "hang", None, skip=PARTS_BEFORE_HANG, seconds=FOREVER)
    with RunningCommand.start(stack, "up") as up:
        # Each of the four senders has sent a part, and hangs at the next.
        wait_until(lambda: fault.struck == PARTS_BEFORE_HANG, up)
        end(stack, up)
        finished = up.end()
    assert finished.code != 0
    assert "Traceback" not in finished.text
    assert service.files() == []
    service.clear_faults()
    before = service.journal()[-1].number

    stack.up()

    (file,), (upload,) = service.files(), service.uploads()
    assert upload["status"] == "completed"
    assert service.backend.blobs.path(file["id"]).read_bytes() == data
    assert stack.ids("File") == {file["id"]}
    assert (
        len(service.journal(method="POST", path=PARTS, after=before))
        == -(-len(data) // 500) - PARTS_BEFORE_HANG
    )
    stack.preview("--expect-no-changes")
