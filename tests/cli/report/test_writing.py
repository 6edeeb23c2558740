from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.report.support import Page
from tests.emulator.support import connect
from tests.support import API_KEY

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.xdist_group("report")

THREE_EPOCHS = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def api(service: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Return a client of the emulator, whose address and key are in the environment, in a folder without a project."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    with connect(service) as client:
        yield client


@pytest.fixture
def job_id(api: Api) -> str:
    """Return the id of a job that has succeeded."""
    job_id: str = api.job(api.train(suffix="support-bot", method=THREE_EPOCHS)["id"])["id"]
    return job_id


def steps_of(api: Api, job_id: str) -> int:
    return len([event for event in api.events(job_id, limit=100) if event["type"] == "metrics"])


def test_all_formats_are_written(api: Api, job_id: str, capsys: Capture) -> None:
    assert main(["report", job_id, "-o", "a.html", "-o", "a.csv", "--output", "A.PNG"]) == 0

    steps = steps_of(api, job_id)
    [curve] = Page(Path("a.html").read_text("utf-8")).curves("loss")
    assert (curve["job"], len(curve["step"]), len(curve["value"])) == ("support-bot", steps, steps)
    assert len(Path("a.csv").read_text().splitlines()) == 1 + steps
    assert Path("A.PNG").read_bytes().startswith(b"\x89PNG")
    assert [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "a.html",
        "a.csv",
        "A.PNG",
    ]


def test_jobs_are_compared_once_each(api: Api, job_id: str) -> None:
    other = api.job(api.train(suffix="support-bot")["id"])["id"]

    assert main(["report", job_id, other, job_id, "-o", "out/a.html"]) == 0

    page = Page(Path("out/a.html").read_text("utf-8"))
    assert [curve["job"] for curve in page.curves("loss")] == [
        f"support-bot ({id_})" for id_ in (job_id, other)
    ]
    assert "Comparison of 2 training jobs" in page.texts


def test_an_output_is_overwritten_and_keeps_its_permissions(job_id: str) -> None:
    Path("a.csv").write_text("old")
    Path("a.csv").chmod(0o600)

    assert main(["report", job_id, "-o", "a.csv"]) == 0

    assert "old" not in Path("a.csv").read_text()
    assert Path("a.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("api")
def test_a_picture_without_metrics_prevents_all_outputs(
    slow_service: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", slow_service.url)
    with connect(slow_service) as slow_api:
        job = slow_api.train()["id"]

    assert main(["report", job, "-o", "a.html", "-o", "a.png"]) == 1

    assert "a.png: the jobs have no metrics of training steps yet" in capsys.readouterr().err
    assert list(Path().iterdir()) == []
    assert main(["report", job, "-o", "a.html"]) == 0


@pytest.mark.usefixtures("api")
def test_an_unknown_job_is_an_error(capsys: Capture) -> None:
    assert main(["report", "ftjob-unknown", "-o", "a.html"]) == 1

    assert "ftjob-unknown" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_named(job_id: str, capsys: Capture) -> None:
    Path("folder.csv").mkdir()

    assert main(["report", job_id, "-o", "folder.csv"]) == 2

    assert "folder.csv" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.html.gz"])
def test_another_format_is_refused(name: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", "ftjob-1", "-o", name])

    assert "does not end with .html, .csv or .png" in capsys.readouterr().err


def test_a_missing_package_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['altair'] = None; from pulumi_openai_ft.cli.main import main; "
        "sys.exit(main(['report', 'ftjob-1', '-o', 'a.html']))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "`openai-ft report` requires the package 'altair'; install the extra `report`" in done.stderr


def test_other_commands_do_not_load_the_packages() -> None:
    program = (
        "import sys; from pulumi_openai_ft.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'altair', 'jinja2', 'vl_convert'} & sys.modules.keys()), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"


@pytest.mark.usefixtures("_every_method")
def test_rewards_of_reinforcement_are_drawn(api: Api) -> None:
    grader = {
        "type": "string_check",
        "name": "same",
        "operation": "eq",
        "input": "{{sample.output_text}}",
        "reference": "{{item.answer}}",
    }
    question = b'{"messages":[{"role":"user","content":"Which? (%d)"}],"answer":"a"}\n'
    data = [
        api.upload(b"".join(question % n for n in numbers))["id"] for numbers in (range(10), range(10, 20))
    ]
    method = {"type": "reinforcement", "reinforcement": {"grader": grader}}
    job = api.job(
        api.train(model="o4-mini-2025-04-16", training_file=data[0], validation_file=data[1], method=method)[
            "id"
        ]
    )
    assert job["status"] == "succeeded", job

    assert main(["report", job["id"], "-o", "a.html"]) == 0

    page = Page(Path("a.html").read_text("utf-8"))
    assert {curve["split"] for curve in page.curves("reward")} == {"training", "full validation"}
    assert any("USD per hour of training" in text for text in page.texts)
