from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import connect

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def job_id(api: Api) -> str:
    """Return the id of a job that has succeeded."""
    return api.job(api.train()["id"])["id"]


def listed(api: Api, job_id: str) -> list[str]:
    """Return the messages of the newest 100 events, oldest first."""
    return [event["message"] for event in api.events(job_id, limit=100)][::-1]


def message_in(line: str) -> str:
    """Return the part of a line after the time and the level."""
    return re.split(" {2,}", line, maxsplit=2)[2]


def test_events_are_printed_oldest_first(api: Api, job_id: str, capsys: Capture) -> None:
    assert main(["events", job_id, "--limit", "100"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [message_in(line) for line in lines] == listed(api, job_id)


def test_all_events_are_printed_without_a_limit(job_id: str, capsys: Capture) -> None:
    assert main(["events", job_id]) == 0

    first, *_, last = capsys.readouterr().out.splitlines()
    assert f"Created fine-tuning job: {job_id}" in first
    assert "The job has successfully completed" in last


def test_the_limit_keeps_the_newest_events(api: Api, job_id: str, capsys: Capture) -> None:
    for options in (["--limit", "3"], ["--limit", "3", "--follow"]):
        assert main(["events", job_id, *options]) == 0

        lines = capsys.readouterr().out.splitlines()
        assert [message_in(line) for line in lines] == listed(api, job_id)[-3:]


def test_json_has_an_object_per_line(api: Api, job_id: str, capsys: Capture) -> None:
    assert main(["events", job_id, "--json", "--limit", "5"]) == 0

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["id"] for event in events] == [event["id"] for event in api.events(job_id, limit=5)][::-1]


def test_following_an_ended_job_returns_its_model(api: Api, job_id: str, capsys: Capture) -> None:
    assert main(["events", job_id, "--follow"]) == 0

    model = api.job(job_id)["fine_tuned_model"]
    assert capsys.readouterr().err == f"openai-ft: job {job_id} succeeded: model {model}\n"


def test_following_a_cancelled_job_fails(at_slow_service: Emulator, capsys: Capture) -> None:
    with connect(at_slow_service) as api:
        job_id = api.train()["id"]
        api.post(f"/fine_tuning/jobs/{job_id}/cancel").raise_for_status()

        assert main(["events", job_id, "-f"]) == 1

    assert f"job {job_id} was cancelled" in capsys.readouterr().err


@pytest.mark.usefixtures("at_service")
@pytest.mark.parametrize("command", ["events", "watch"])
def test_an_unknown_job_is_reported(command: str, capsys: Capture) -> None:
    assert main([command, "ftjob-unknown"]) == 1
    assert "ftjob-unknown" in capsys.readouterr().err

    assert main([command, "model"]) == 1
    assert "'model' is neither the id of a job nor a resource" in capsys.readouterr().err


def test_escape_sequences_in_messages_are_not_printed(
    at_service: Emulator, job_id: str, capsys: Capture
) -> None:
    edits = [{"path": "data.0.message", "value": "\x1b]0;title\x07\x1b[2Jdone\r\n[red]x"}]
    at_service.fault("GET", "*/events", "edit", edits=edits)

    main(["events", job_id, "--limit", "1"])

    shown = capsys.readouterr().out
    assert shown.endswith("]0;title [2Jdone [red]x\n")
    assert "\x1b" not in shown


@pytest.mark.parametrize("options", [[], ["--follow"]])
@pytest.mark.parametrize("status", [404, 501])
def test_a_service_without_events_is_named(
    at_service: Emulator, job_id: str, status: int, options: list[str], capsys: Capture
) -> None:
    at_service.fault("GET", "*/events", "status", times=None, status=status)

    assert main(["events", job_id, *options]) == 1

    assert "the service 'openai' does not support job events" in capsys.readouterr().err
