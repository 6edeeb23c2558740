from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest
from tests.cli.look.terminal import ALTERNATE_SCREEN, NORMAL_SCREEN, SHOWN_CURSOR, Terminal
from tests.emulator.support import connect

from pulumi_openai_ft.cli.look.view import HINT
from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

Capture = pytest.CaptureFixture[str]
AXIS = "┤"
"""Part of the axis of a curve."""
TRAINING, ENDED = 60, 600
"""Seconds after which the emulator trains a job, and after which the job has ended."""


@pytest.fixture
def slow_api(at_slow_service: Emulator) -> Iterator[Api]:
    with connect(at_slow_service) as api:
        yield api


def test_the_running_job_is_shown_until_it_ends(at_slow_service: Emulator, slow_api: Api) -> None:
    ended = slow_api.train()["id"]
    slow_api.post(f"/fine_tuning/jobs/{ended}/cancel").raise_for_status()
    job_id = slow_api.train(suffix="support")["id"]

    with Terminal.start("watch") as terminal:
        assert job_id in terminal.read_until(HINT)
        at_slow_service.advance(TRAINING)
        training = terminal.read_until(AXIS)
        at_slow_service.advance(ENDED)
        code = terminal.end()

    model = slow_api.job(job_id)["fine_tuned_model"]
    live, _, final = terminal.text.partition(NORMAL_SCREEN)
    assert ALTERNATE_SCREEN in live
    assert re.search(r"step \d+/100", training)
    assert "step 100/100" in final
    assert f"model {model}" in final
    assert HINT not in final
    assert code == 0


def test_ctrl_c_leaves_the_job_running(slow_api: Api) -> None:
    job_id = slow_api.train()["id"]

    with Terminal.start("watch", job_id) as terminal:
        terminal.read_until(HINT)
        terminal.press(b"\x03")
        code = terminal.end()

    restored = terminal.text.partition(NORMAL_SCREEN)[2]
    assert code == 130
    assert f"job {job_id} is validating_files at the service and continues" in " ".join(restored.split())
    assert SHOWN_CURSOR in terminal.text
    assert slow_api.job(job_id)["status"] == "validating_files"


def test_a_terminal_that_ends_restores_nothing_but_the_screen(slow_api: Api) -> None:
    with Terminal.start("watch", slow_api.train()["id"]) as terminal:
        terminal.read_until(HINT)
        terminal.process.send_signal(signal.SIGTERM)
        code = terminal.end()

    assert code == 128 + signal.SIGTERM
    assert NORMAL_SCREEN in terminal.text
    assert "Traceback" not in terminal.text


@pytest.mark.long
def test_a_resized_terminal_is_filled(at_slow_service: Emulator, slow_api: Api) -> None:
    slow_api.train()

    with Terminal.start("watch") as terminal:
        terminal.read_until(HINT)
        at_slow_service.advance(TRAINING)
        terminal.read_until(AXIS)
        terminal.resize(40, 10)
        small = terminal.read_picture(f"{HINT[:39]}…")
        terminal.resize(120, 40)
        large = terminal.read_picture(AXIS)

    assert AXIS not in small
    assert (len(small.splitlines()), len(large.splitlines())) == (10, 40)
    assert re.search("[─┬]{100}", large)


def test_following_events_in_a_terminal_survives_ctrl_c(slow_api: Api) -> None:
    job_id = slow_api.train()["id"]

    with Terminal.start("events", job_id, "--follow") as terminal:
        terminal.read_until("Validating training file")
        terminal.press(b"\x03")
        code = terminal.end()

    assert code == 130
    assert "Traceback" not in terminal.text
    assert slow_api.job(job_id)["status"] == "validating_files"


def test_the_list_of_jobs_has_colors_in_a_terminal(slow_api: Api) -> None:
    job_id = slow_api.train()["id"]

    with Terminal.start("jobs", columns=160) as terminal:
        code = terminal.end()

    assert code == 0
    assert job_id in terminal.text
    assert "\x1b[1mid" in terminal.text


@pytest.mark.long
def test_no_color_is_respected(slow_api: Api) -> None:
    slow_api.train()

    with Terminal.start("jobs", columns=160, environment={"NO_COLOR": "1"}) as terminal:
        terminal.end()

    assert not re.search(r"\x1b\[3\d", terminal.text)


def test_changes_are_printed_as_lines_when_piped(api: Api, capsys: Capture) -> None:
    job = api.job(api.train()["id"])

    assert main(["watch", job["id"]]) == 0

    shown = capsys.readouterr()
    assert "succeeded · step 100/100 (100 %) · loss" in shown.out
    assert f"created model {job['fine_tuned_model']}" in shown.out
    assert "\x1b" not in shown.out
    assert f"job {job['id']} succeeded" in shown.err


def test_several_running_jobs_are_listed(slow_api: Api, capsys: Capture) -> None:
    ids = [slow_api.train(suffix=f"s{n}")["id"] for n in range(2)]

    assert main(["watch"]) == 1

    message = capsys.readouterr().err
    assert "2 jobs are running" in message
    assert [job_id for job_id in ids if job_id not in message] == []


def test_without_a_running_job_ended_ones_are_listed(api: Api, capsys: Capture) -> None:
    job_id = api.job(api.train()["id"])["id"]

    assert main(["watch"]) == 1

    message = capsys.readouterr().err
    assert "no job is running" in message
    assert f"\n  {job_id}  succeeded" in message
