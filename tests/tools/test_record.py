"""The command `python -m tools.record`, against the emulator as a service with a key."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import ADMIN_KEY, API_KEY, TODAY
from tools.record.__main__ import DIFFERENT, FAILED, INTERRUPTED, main
from tools.record.cleanup import SIGNALS
from tools.record.plan import Plan, training_data
from tools.record.recording import encode, load
from tools.record.run import MODES_OF_PROFILES, mode_of

from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.emulator import Clock, Emulator
from pulumi_openai_ft.emulator.service_modes import MODES

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
FINISHED = {"succeeded", "failed", "cancelled"}
JOBS = "/fine_tuning/jobs"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "recording.json"


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", ADMIN_KEY)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Type these texts at the prompts of the command."""

    def give(*texts: str) -> list[str]:
        left = list(texts)
        monkeypatch.setattr("builtins.input", lambda _question: left.pop(0))
        return left

    return give


def record(service: Emulator, output: Path, *options: str) -> int:
    return main(["record", "--base-url", service.url, "--output", str(output), *options])


def left_behind(service: Emulator) -> list[str]:
    """Name the objects that cost money or storage."""
    jobs = [job["id"] for job in service.jobs() if job["status"] not in FINISHED]
    others = [*service.files(), *service.models(), *service.permissions()]
    return [*jobs, *(one["id"] for one in others)]


@pytest.mark.usefixtures("keys")
def test_recording_is_saved_and_nothing_stays(slow_service: Emulator, output: Path) -> None:
    assert record(slow_service, output, "--yes") == 0

    recording = load(output)
    created = [one for one in recording.exchanges if one.response.body.get("object") == "fine_tuning.job"]
    assert recording.emulator_mode == "openai"
    assert len(slow_service.jobs()) == len({one.response.body["id"] for one in created})
    assert left_behind(slow_service) == []


@pytest.mark.usefixtures("keys")
def test_trained_job_leaves_nothing(service: Emulator, output: Path) -> None:
    assert record(service, output, "--yes", "--train", "--project", "proj_partner00000001") == 0

    steps = [exchange.step for exchange in load(output).exchanges]
    assert {"create a permission", "revoke the permission", "delete the trained model"} <= set(steps)
    assert left_behind(service) == []


def test_maximum_price_is_below_a_dollar_for_every_model() -> None:
    plan = Plan("openai", "m", train=True, project=None, admin=False, extra_body={}, token="t")
    prices = [entry.training_price.value for entry in Catalog.load().models() if entry.training_price]

    assert prices
    assert plan.max_price(max(prices)) < 1


def test_trained_tokens_are_below_their_bound(output: Path) -> None:
    main(["emulate", "openai", "--train", "--yes", "--output", str(output)])

    (trained,) = [one for one in load(output).exchanges if one.step == "train: succeeded"]
    assert 0 < trained.response.body["trained_tokens"] < len(training_data())


@pytest.mark.usefixtures("keys")
def test_nothing_is_sent_without_a_yes(
    slow_service: Emulator,
    output: Path,
    answers: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers("n")

    assert record(slow_service, output) == 0

    shown = capsys.readouterr().out
    assert re.search(r"Maximum price: 0\.\d\d USD", shown)
    assert "Upload ten rows of training data." in shown
    assert "Nothing was sent." in shown
    assert API_KEY not in shown
    assert ADMIN_KEY not in shown
    assert slow_service.counts() == {}
    assert not output.exists()


@pytest.mark.usefixtures("keys")
def test_nothing_is_saved_after_quit(
    slow_service: Emulator,
    output: Path,
    answers: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    unused = answers("yes", "quit")

    assert record(slow_service, output) == 0

    assert unused == []
    assert not output.exists()
    assert '"step": "upload the training file"' in capsys.readouterr().out


@pytest.mark.usefixtures("keys")
def test_named_text_is_replaced_before_saving(
    slow_service: Emulator, output: Path, answers: Callable[..., list[str]]
) -> None:
    answers("y", "processed", "save")

    assert record(slow_service, output) == 0

    assert "processed" not in output.read_text()
    assert "hidden-text-1" in output.read_text()


@pytest.mark.usefixtures("keys")
def test_leftover_is_not_saved_until_it_is_named(
    slow_service: Emulator,
    output: Path,
    answers: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    leak = {"error": {"message": f"quota of the key that ends with {API_KEY[-8:]}", "code": "quota"}}
    slow_service.fault("GET", "/models", "status", status=403, body=leak)
    unused = answers("y", "save", API_KEY[-8:], "save")

    assert record(slow_service, output) == 0

    assert unused == []
    assert "NOT REPLACED: exchanges[0].response.body.error.message: key" in capsys.readouterr().out
    assert API_KEY[-8:] not in output.read_text()


@pytest.mark.usefixtures("keys")
def test_leftover_is_never_saved_without_a_person(
    slow_service: Emulator, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leak = {"error": {"message": f"quota of the key that ends with {API_KEY[-8:]}", "code": "quota"}}
    slow_service.fault("GET", "/models", "status", status=403, body=leak)

    assert record(slow_service, output, "--yes") == FAILED

    assert "some texts must not be in a recording" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.usefixtures("keys")
def test_closed_input_starts_nothing(
    slow_service: Emulator, output: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert record(slow_service, output) == FAILED

    assert "pass --yes" in capsys.readouterr().err
    assert slow_service.counts() == {}


def test_terminal_without_utf8_loses_nothing(output: Path) -> None:
    command = [sys.executable, "-m", "tools.record", "emulate", "openai", "--yes", "--output", str(output)]
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}

    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert output.exists()


@pytest.mark.usefixtures("keys")
def test_what_is_saved_is_what_was_shown(
    slow_service: Emulator, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(slow_service, output, "--yes")

    assert output.read_text() in capsys.readouterr().out


@pytest.mark.usefixtures("keys")
def test_saved_file_has_no_original(slow_service: Emulator, output: Path) -> None:
    slow_service.settings.organization_id = "org-abcdefghijklmnop"

    record(slow_service, output, "--yes")

    saved = output.read_text()
    host = slow_service.url.split("/")[2]
    ids = [job["id"] for job in slow_service.jobs()] + [job["training_file"] for job in slow_service.jobs()]
    for original in (API_KEY, ADMIN_KEY, host, "org-abcdefghijklmnop", *ids):
        assert original not in saved


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("path", "jobs"),
    [("/files", 0), (JOBS, 1), (f"{JOBS}/*/cancel", 1)],
    ids=["upload", "create", "cancel"],
)
def test_lost_response_leaves_nothing(
    slow_service: Emulator, output: Path, capsys: pytest.CaptureFixture[str], path: str, jobs: int
) -> None:
    slow_service.fault("POST", path, "drop_after")

    assert record(slow_service, output, "--yes") == FAILED

    assert "no response to POST" in capsys.readouterr().err
    assert len(slow_service.jobs()) == jobs
    assert left_behind(slow_service) == []
    assert not output.exists()


@pytest.mark.usefixtures("keys")
def test_object_that_stays_is_named(
    slow_service: Emulator, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow_service.fault("POST", f"{JOBS}/*/cancel", "status", times=None, status=500)
    slow_service.fault("GET", f"{JOBS}/*/events", "drop_before")

    assert record(slow_service, output, "--yes") == FAILED

    (job,) = slow_service.jobs()
    assert f"could not cancel {job['id']}: cancel it yourself, it may cost money" in capsys.readouterr().err


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_interruption_leaves_nothing(output: Path, number: signal.Signals) -> None:
    with Emulator(today=TODAY, clock=Clock.manual()) as service:
        service.fault("GET", f"{JOBS}/*", "hang", times=1, seconds=60)
        env = {
            **os.environ,
            "OPENAI_API_KEY": API_KEY,
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "tools.record", "record", "--base-url", service.url, "--yes"]
        process = subprocess.Popen(
            [*command, "--output", str(output)], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True
        )
        wait_for(lambda: any(entry.method == "GET" and JOBS in entry.path for entry in service.journal()))
        process.send_signal(number)
        _, shown = process.communicate(timeout=30)

        assert process.returncode == INTERRUPTED
        assert "interrupted; nothing was saved" in shown
        assert "Traceback" not in shown
        assert [job["status"] for job in service.jobs()] == ["cancelled"]
        assert left_behind(service) == []
        assert not output.exists()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("keys")
def test_throttled_request_is_sent_again(
    slow_service: Emulator, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("tools.record.__main__.time", SimpleNamespace(sleep=pauses.append))
    slow_service.fault("GET", "/models", "status", status=429, headers={"retry-after": "7"})

    assert record(slow_service, output, "--yes") == 0

    steps = {one.step: one.response.status for one in load(output).exchanges}
    assert steps["list models (throttled 1)"] == 429
    assert steps["list models"] == 200
    assert pauses == [7.0]


@pytest.mark.usefixtures("keys")
def test_job_waits_until_its_file_is_processed(
    slow_service: Emulator, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_service.settings.file_processing_seconds = 30
    monkeypatch.setattr("tools.record.__main__.time", SimpleNamespace(sleep=slow_service.advance))
    try:
        assert record(slow_service, output, "--yes") == 0
    finally:
        slow_service.settings.file_processing_seconds = None

    steps = {one.step: one.response.status for one in load(output).exchanges}
    assert steps["create a job on a new file"] == 400
    assert steps["read the file: uploaded"] == 200
    assert steps["read the file: processed"] == 200
    assert steps["create a job"] == 200
    assert left_behind(slow_service) == []


@pytest.mark.usefixtures("keys")
def test_objects_of_other_people_are_left_out(slow_service: Emulator, output: Path) -> None:
    import openai  # noqa: PLC0415  # only this test needs another client

    row = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
    with openai.OpenAI(base_url=slow_service.url, api_key=API_KEY) as client:
        file = client.files.create(file=("our-secret-project.jsonl", row * 10), purpose="fine-tune")
        client.fine_tuning.jobs.create(
            model="gpt-4o-mini", training_file=file.id, suffix="ours", metadata={"team": "night-watch"}
        )

    assert record(slow_service, output, "--yes") == 0

    saved = output.read_text()
    assert not re.search(f"our-secret-project|night-watch|{file.id}", saved)
    limited = next(one for one in load(output).exchanges if one.step == "list jobs")
    assert len(limited.response.body["data"]) == 1
    assert limited.response.body["has_more"]
    assert len(slow_service.files()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-price", "0.01"], "above --max-price 0.01: choose a cheaper model"),
        (["--service", "nebius"], "--service nebius has no default model: pass --model"),
        (["--service", "nebius", "--model", "m"], "the catalog has no training price of 'm' at 'nebius'"),
        (["--project", "proj_x"], "--project needs --train and an admin key"),
    ],
    ids=["price", "model", "unknown-price", "project"],
)
@pytest.mark.usefixtures("keys")
def test_unusable_option_is_refused_before_any_request(
    slow_service: Emulator,
    output: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert record(slow_service, output, "--yes", *options) == FAILED

    assert message in capsys.readouterr().err
    assert slow_service.counts() == {}


def test_missing_key_is_named(
    slow_service: Emulator, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(slow_service, output, "--yes") == FAILED

    assert "OPENAI_API_KEY" in capsys.readouterr().err


@pytest.mark.usefixtures("keys")
def test_existing_file_is_not_overwritten(
    slow_service: Emulator, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output.write_text("mine")

    assert record(slow_service, output, "--yes") == FAILED

    assert "exists: choose another --output" in capsys.readouterr().err
    assert output.read_text() == "mine"
    assert slow_service.counts() == {}


@pytest.mark.parametrize("command", ["record", "emulate", "compare"])
def test_help_offers_no_option_for_keys(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert not re.search(r"--(?:api|admin)-key\b(?!-header)", capsys.readouterr().out)


@pytest.mark.parametrize("mode", MODES)
def test_emulator_does_not_differ_from_its_recording(
    mode: str, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emulate", mode, "--train", "--yes", "--output", str(output)]) == 0
    capsys.readouterr()

    assert main(["compare", str(output)]) == 0

    assert f"the emulator in the mode {mode}" in capsys.readouterr().out


def test_difference_is_listed(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["emulate", "openai", "--yes", "--output", str(output)])
    recording = load(output)
    created = next(one for one in recording.exchanges if one.step == "create a job on a new file")
    created.response.status = 201
    created.response.body["result_files"] = None
    output.write_text(encode(recording))
    capsys.readouterr()

    assert main(["compare", "--json", str(output)]) == DIFFERENT

    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    step = "create a job on a new file"
    assert found == [
        {"step": step, "place": "status", "recorded": "201", "other": "200"},
        {"step": step, "place": "result_files", "recorded": "null", "other": "list"},
    ]


@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_has_a_mode(name: str, output: Path) -> None:
    main(["emulate", "openai", "--yes", "--output", str(output)])
    recording = load(output)
    recording.service, recording.emulator_mode = name, None

    assert mode_of(recording) in MODES
    assert mode_of(recording) == (name if name in MODES else MODES_OF_PROFILES.get(name, "gateway"))


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', "\udcff"], ids=repr)
def test_unreadable_recording_is_one_message(
    content: str, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output.write_bytes(content.encode("utf-8", "surrogateescape"))

    assert main(["compare", str(output)]) == FAILED

    assert f"cannot read the recording {output}" in capsys.readouterr().err
