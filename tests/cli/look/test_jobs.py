from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.support import MODEL, connect

from pulumi_openai_ft.cli.look.jobs import COLUMNS, _fitting
from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

Capture = pytest.CaptureFixture[str]


def listed(capsys: Capture, *options: str) -> list[dict[str, Any]]:
    assert main(["jobs", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_finished_job_shows_tokens_and_catalog_price(api: Api, capsys: Capture) -> None:
    job = api.train(suffix="support")
    job = api.job(job["id"])

    (found,) = listed(capsys)

    assert (found["id"], found["status"], found["model"]) == (job["id"], "succeeded", MODEL)
    assert (found["suffix"], found["method"]) == ("support", "supervised")
    assert found["trained_tokens"] == job["trained_tokens"]
    assert found["cost_usd"] == round(job["trained_tokens"] * 3.0 / 1e6, 6)  # 3 USD per million tokens
    assert found["duration_seconds"] == job["finished_at"] - job["created_at"]
    assert found["fine_tuned_model"] == job["fine_tuned_model"]


@pytest.mark.parametrize("command", ["jobs", "watch"])
def test_an_unknown_end_shows_no_duration(at_slow_service: Emulator, capsys: Capture, command: str) -> None:
    """OpenAI does not return when a job was cancelled."""
    with connect(at_slow_service) as api:
        job_id = api.train()["id"]
        api.post(f"/fine_tuning/jobs/{job_id}/cancel")
    at_slow_service.advance(3600)

    main([command, job_id] if command == "watch" else [command])

    shown = capsys.readouterr().out
    assert "cancelled" in shown
    assert not re.search(r"\d (s|min|h)\b", shown)


def test_the_fields_of_json_are_stable(api: Api, capsys: Capture) -> None:
    api.train()

    (found,) = listed(capsys)

    assert list(found) == [
        "id",
        "status",
        "model",
        "suffix",
        "method",
        "created_at",
        "finished_at",
        "duration_seconds",
        "trained_tokens",
        "cost_usd",
        "train_loss",
        "fine_tuned_model",
    ]


def test_piped_output_is_plain_and_complete(api: Api, capsys: Capture) -> None:
    suffix = "a-suffix-of-sixty-four-characters-that-no-terminal-would-show-al"
    job = api.train(suffix=suffix)

    assert main(["jobs"]) == 0

    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == [
        "id",
        "status",
        "model",
        "suffix",
        "created",
        "duration",
        "tokens",
        "USD",
        "loss",
    ]
    assert line.split()[:4] == [job["id"], "succeeded", MODEL, suffix]
    assert line.split()[-1] == "-"
    assert "\x1b" not in line


def test_the_list_states_that_it_is_limited(api: Api, capsys: Capture) -> None:
    file = api.upload()["id"]
    ids = [api.train(training_file=file)["id"] for _ in range(3)]

    assert main(["jobs", "--limit", "2"]) == 0
    shown = capsys.readouterr()

    assert [line.split()[0] for line in shown.out.splitlines()[1:]] == ids[:0:-1]
    assert "--all" in shown.err
    assert main(["jobs", "--limit", "3"]) == 0
    assert capsys.readouterr().err == ""
    assert len(listed(capsys, "--all")) == 3


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--status", "succeeded"), 2),
        (("--status", "failed"), 0),
        (("--model", "gpt-4o-mini"), 2),
        (("--model", "gpt-4.1-mini"), 0),
        (("--metadata", "team=shop"), 1),
        (("--metadata", "team=shop", "--metadata", "tier=a=b"), 1),
        (("--metadata", "team=shop", "--metadata", "tier=c"), 0),
    ],
)
def test_filters_select_jobs(api: Api, capsys: Capture, options: tuple[str, ...], found: int) -> None:
    for job in (api.train(), api.train(metadata={"team": "shop", "tier": "a=b"})):
        api.job(job["id"])

    assert len(listed(capsys, *options)) == found


def test_loss_is_read_only_on_request(at_service: Emulator, api: Api, capsys: Capture) -> None:
    job = api.train()
    api.job(job["id"])
    losses = [event["data"]["train_loss"] for event in api.events(job["id"]) if event["type"] == "metrics"]

    (without,) = listed(capsys)
    before = len(at_service.journal(path="*/events"))
    (found,) = listed(capsys, "--loss")

    assert without["train_loss"] is None
    assert found["train_loss"] == losses[0]
    assert len(at_service.journal(path="*/events")) == before + 1


def test_loss_reports_the_number_of_requests(api: Api, capsys: Capture) -> None:
    api.job(api.train()["id"])

    main(["jobs", "--loss"])

    assert "1 more request," in capsys.readouterr().err


@pytest.mark.usefixtures("at_service")
def test_an_empty_list_is_reported(capsys: Capture) -> None:
    assert main(["jobs"]) == 0

    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "openai-ft: no jobs found\n")
    assert listed(capsys) == []


@pytest.mark.parametrize(
    "options", [("--limit", "0"), ("--limit", "x"), ("--metadata", "team"), ("--limit", "1", "--all")]
)
def test_invalid_options_are_rejected(capsys: Capture, options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["jobs", *options])

    assert options[0] in capsys.readouterr().err


def test_control_characters_of_a_suffix_are_not_printed(
    at_service: Emulator, api: Api, capsys: Capture
) -> None:
    api.train()
    at_service.fault(
        "GET",
        "/fine_tuning/jobs",
        "edit",
        edits=[{"path": "data.0.user_provided_suffix", "value": "\x1b[31mred\x07\nnext"}],
    )

    assert main(["jobs"]) == 0

    shown = capsys.readouterr().out
    assert "[31mred next" in shown
    assert not {"\x1b", "\x07"} & set(shown)


@pytest.mark.usefixtures("_no_project")
def test_a_missing_key_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")

    assert main(["jobs"]) == 1

    assert "OPENAI_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["jobs"], ["events", "ftjob-1"], ["watch"]])
def test_a_missing_extra_is_named(command: list[str]) -> None:
    program = f"import sys; sys.modules['rich'] = None; from pulumi_openai_ft.cli.main import main; sys.exit(main({command}))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"`openai-ft {command[0]}` requires the package 'rich'; install the extra `look`" in done.stderr


@pytest.mark.parametrize(
    ("width", "omitted"),
    [
        (200, []),
        (100, ["loss", "tokens", "duration"]),
        (80, ["loss", "tokens", "duration", "USD", "created"]),
        (40, ["loss", "tokens", "duration", "USD", "created", "model"]),
    ],
)
def test_a_narrow_terminal_omits_columns(width: int, omitted: list[str]) -> None:
    row = (
        "ftjob-BLXYugrRfOWxgW0ksEppwkrY",
        "running",
        "gpt-4o-mini-2024-07-18",
        "shop",
        "2026-11-30 07:17:59",
        "9 s",
    )

    assert _fitting([(*row, "-", "-", "-")], width) == [name for name in COLUMNS if name not in omitted]
