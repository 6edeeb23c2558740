from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.emulator.support import Address, connect, error
from tests.support import TODAY

from pulumi_openai_ft.emulator.command import add_arguments, run

if TYPE_CHECKING:
    from pathlib import Path


def start(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pulumi_openai_ft.emulator", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHONUNBUFFERED")},
    )


def test_it_prints_its_address_and_exits_on_ctrl_c(tmp_path: Path) -> None:
    options = ["--data", str(tmp_path), "--job-seconds", "10", "--project", "proj_a", "--project", "proj_b"]
    with start(*options, "--speed", "0", "--today", str(TODAY), "--closed") as running:
        address = Address(running)
        with connect(address) as api:
            settings = api.get(f"{api.base_url.copy_with(path='/_emulator/settings')}").json()
            request = {"model": "gpt-4o-mini", "training_file": api.upload()["id"]}
            refusal = api.post("/fine_tuning/jobs", json=request)
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=10)

    assert address.url.startswith("http://127.0.0.1:")
    assert address.url.endswith("/v1")
    assert (running.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert settings["projects"] == ["proj_a", "proj_b"]
    assert (settings["job_seconds"], settings["today"], settings["closed"]) == (10, str(TODAY), True)
    assert error(refusal)["code"] == "training_not_available"
    assert (tmp_path / "books.sqlite").exists()


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--port", "99999", "'99999' is not a port from 0 to 65535"),
        ("--port", "-1", "'-1' is not a port from 0 to 65535"),
        ("--today", "soon", "'soon' is not a date such as 2026-12-31"),
        ("--today", "2027-02-30", "'2027-02-30' is not a date such as 2026-12-31"),
        ("--speed", "fast", "'fast' is not a number of at least 0"),
        ("--job-seconds", "-1", "'-1' is not a number of at least 0"),
    ],
)
def test_a_wrong_option_is_explained(
    capsys: pytest.CaptureFixture[str], option: str, value: str, problem: str
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([f"{option}={value}"])

    assert capsys.readouterr().err.endswith(f"error: argument {option}: {problem}\n")


def test_a_date_after_the_closing_is_reported() -> None:
    with start("--today", "2027-03-01") as running:
        Address(running)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)

    assert "The service's date is 2027-03-01: set OPENAI_FT_TODAY=2027-03-01" in err
    assert "accepts no new jobs on this date: set an earlier date with --today" in err


def test_its_day_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_FT_TODAY", "2027-02-01")
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert parser.parse_args([]).today == date(2027, 2, 1)


def test_it_ends_cleanly_on_sigterm_while_a_request_hangs() -> None:
    with start() as running:
        address = Address(running)
        with connect(address) as api:
            fault = {"action": "hang", "seconds": 60, "path": "/models"}
            api.post(f"{api.base_url.copy_with(path='/_emulator/faults')}", json=fault)
            with pytest.raises(httpx.ReadTimeout):
                api.get("/models", timeout=0.05)
            running.terminate()
            out, err = running.communicate(timeout=10)

    assert (running.returncode, out) == (0, "")
    assert "Traceback" not in err


def test_an_occupied_port_is_reported_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code = run(parser.parse_args(["--port", str(taken.getsockname()[1])]))

    out, err = capsys.readouterr()
    assert (code, out) == (1, "")
    assert err.startswith("Port ")
    assert err.count("\n") == 1


def test_the_defaults_match_the_documentation() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    assert vars(parser.parse_args([])) == {
        "port": 0,
        "data": None,
        "speed": 60.0,
        "seed": 0,
        "job_seconds": 120.0,
        "project": [],
        "closed": False,
        "today": TODAY,
        "mode": "openai",
    }


@pytest.mark.parametrize(
    "options", [["--speed", "-1"], ["--speed", "nan"], ["--today", "soon"], ["--job-seconds", "inf"]]
)
def test_wrong_options_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)

    with pytest.raises(SystemExit):
        parser.parse_args(options)
    assert options[0] in capsys.readouterr().err
