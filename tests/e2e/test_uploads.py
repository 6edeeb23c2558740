"""A large file goes in parts, and what a run that broke off has sent, the next one does not send again."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import Running, eventually, hosts_of, with_data

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
"""Above 2 kB a file goes in parts of 500 bytes."""
PARTS = "/v1/uploads/*/parts"
FIRST = 4
FOR_EVER = 300.0


def kill(stack: Stack, _up: Running) -> None:
    (host,) = hosts_of(stack)
    os.kill(host, signal.SIGKILL)


def interrupt(_stack: Stack, up: Running) -> None:
    up.interrupt()


@pytest.mark.parametrize("end", [kill, pytest.param(interrupt, marks=pytest.mark.long)])
def test_an_interrupted_upload_is_resumed(
    make_stack: Callable[..., Stack], service: Emulator, end: Callable[[Stack, Running], None]
) -> None:
    stack = with_data(make_stack(PROGRAM), rows=40)
    with (stack.folder / "Pulumi.yaml").open("a") as project:
        project.write(LARGE)
    data = (stack.folder / "data.jsonl").read_bytes()
    fault = service.fault("POST", PARTS, "hang", None, skip=FIRST, seconds=FOR_EVER)
    with Running.start(stack, "up") as up:
        eventually(
            lambda: fault.struck == FIRST, up
        )  # all four senders have sent one, and hang with the next
        end(stack, up)
        ended = up.end()
    assert ended.code != 0
    assert "Traceback" not in ended.text
    assert service.files() == []
    service.clear_faults()
    before = service.journal()[-1].number

    stack.up()

    (file,), (upload,) = service.files(), service.uploads()
    assert upload["status"] == "completed"
    assert service.backend.blobs.path(file["id"]).read_bytes() == data
    assert stack.ids("File") == {file["id"]}
    assert len(service.journal(method="POST", path=PARTS, after=before)) == -(-len(data) // 500) - FIRST
    stack.preview("--expect-no-changes")
