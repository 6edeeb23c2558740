"""The progress display: status lines in the row of a resource, and milestones that remain in the output."""

from __future__ import annotations

import re
import socket
import socketserver
import time
from contextlib import contextmanager
from itertools import pairwise
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import RunningCommand, finish_jobs, freeze_jobs, wait_until, with_data
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
FREQUENT_POLLS = "config:\n  openai-ft:pollInterval:\n    value: 0.2\n"
JOB = """
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": 1}}}
ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=data, method=method)
"""
STEPS = 3 * 12
STEP = re.compile(
    r"running · step (\d+)/36 \((\d+) %\) · loss (\d\.\d+) · (\d+ min )?\d+ s( · about .+ left)?$"
)
UPLOAD = """
import pulumi_openai_ft as ft

ft.File("notes", file="notes.bin", purpose="user_data")
"""
MEGABYTE = 1_000_000
UPLOADING = re.compile(r"uploading (\d+) % · (\d+\.\d) of 12\.0 MB( · \d+\.\d MB/s)?$")


@pytest.fixture
def service() -> Iterator[Emulator]:
    """An emulator whose jobs make no progress."""
    with Emulator(today=TODAY) as emulator:
        freeze_jobs(emulator)
        yield emulator


def row_lines(running: RunningCommand, name: str) -> list[str]:
    """Return the status lines in the row of a resource during its creation, in order."""
    row = re.compile(rf"{name} creating \(\d+s\) (.+)")
    return [found[1] for _, line in running.lines if (found := row.search(line))]


def poll_count(service: Emulator) -> int:
    return len(service.journal(method="GET", path="/v1/fine_tuning/jobs/ftjob-*"))


@pytest.mark.core
def test_job_progress_is_shown_and_milestones_stay(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    stack = with_data(make_stack(JOB))
    with (stack.folder / "Pulumi.yaml").open("a") as project:
        project.write(FREQUENT_POLLS)
    with RunningCommand.start(stack, "up") as up:
        up.await_line("creating (0s) validating_files")
        for seconds, expected in ((25, ") queued · "), (16, ") running · "), (34, " step 15/36 ")):
            service.advance(seconds)
            up.await_line(expected)
        before, polls_before = row_lines(up, "job"), poll_count(service)
        wait_until(lambda: poll_count(service) > polls_before + 6, up)
        after = row_lines(up, "job")
        service.advance(30)
        up.await_line(" step 29/36 ")
        finish_jobs(service)
        finished = up.end()

    assert before == after
    (job,) = service.jobs()
    lines = row_lines(up, "job")
    steps = [found for line in lines if (found := STEP.match(line))]
    assert len(steps) >= 2
    assert [int(found[2]) for found in steps] == [100 * int(found[1]) // STEPS for found in steps]
    assert all(line != next_line for line, next_line in pairwise(lines))
    milestones = [
        f"created job {job['id']}",
        f"job {job['id']}: Checkpoint created at step 12: ft:",
        f"job {job['id']}: Checkpoint created at step 24: ft:",
        f"job {job['id']} created model {job['fine_tuned_model']}",
    ]
    diagnostics = [line.strip() for line in finished.text.partition("Diagnostics:\n")[2].splitlines()]
    reported = [line for line in diagnostics if job["id"] in line]
    assert [line[: len(begin)] for line, begin in zip(reported, milestones, strict=True)] == milestones


class Relay(socketserver.ThreadingTCPServer):
    """A proxy to a service with a limited upload rate in bytes per second."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, service: Emulator, bytes_per_second: float) -> None:
        self.target = ("127.0.0.1", int(service.url.split(":")[2].split("/")[0]))
        self.bytes_per_second = bytes_per_second
        super().__init__(("127.0.0.1", 0), RelayHandler)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve requests, and yield the base URL."""
        with self:
            Thread(target=self.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{self.server_address[1]}/v1"
            self.shutdown()


class RelayHandler(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as target:
            responding = Thread(target=self._send_response, args=(target,))
            responding.start()
            while data := self.request.recv(2**16):
                target.sendall(data)
                time.sleep(len(data) / self.server.bytes_per_second)
            target.shutdown(socket.SHUT_RDWR)
            responding.join()

    def _send_response(self, target: socket.socket) -> None:
        while data := target.recv(2**16):
            self.request.sendall(data)


def test_an_upload_shows_its_progress_in_percent(make_stack: Callable[..., Stack], service: Emulator) -> None:
    with Relay(service, 6 * MEGABYTE).serving() as url:
        stack = make_stack(UPLOAD, OPENAI_BASE_URL=url)
        with (stack.folder / "notes.bin").open("wb") as notes:
            notes.truncate(12 * MEGABYTE)
        with RunningCommand.start(stack, "up") as up:
            finished = up.end()

    assert finished.code == 0, finished.text
    *sending, sent = row_lines(up, "notes")
    found = [UPLOADING.match(line) for line in sending]
    assert all(found), sending
    percentages = [int(each[1]) for each in found if each]
    assert percentages == sorted(set(percentages))
    assert len(percentages) >= 3
    assert re.fullmatch(r"uploaded · 12\.0 MB · \d+\.\d MB/s", sent)
    assert "uploading" not in finished.text.partition("Resources:")[2]
