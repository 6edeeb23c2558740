"""The commands that show jobs, and the function for metrics, on every service that the emulator emulates."""

from __future__ import annotations

import io
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.look.test_services import CASES, SETTINGS
from tests.cli.report.support import Page
from tests.emulator.support import MODEL, rows
from tests.support import API_KEY, TODAY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._program.functions import lookups
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.emulator import Emulator
from pulumi_openai_ft.emulator.service_modes import MODES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet

    from pulumi_openai_ft._client.objects import Job

pytestmark = pytest.mark.xdist_group("report")

LACKING = [mode for mode in MODES if "/v1/fine_tuning/jobs/*/events" in MODES[mode].absent]
"""Services without events and checkpoints."""
CONTENT, SUFFIX = "/v1/files/*/content", "shop"


def marked(cases: list[tuple[str, str]]) -> list[ParameterSet]:
    """Return cases. Similar cases have the mark `long`."""
    return [pytest.param(*case, marks=pytest.mark.long if case[0] in SIMILAR else ()) for case in cases]


SIMILAR = ("bedrock", "gateway-with-models")
Capture = pytest.CaptureFixture[str]


class Service:
    """An emulated service with a job that has succeeded, and the settings of a stack for it."""

    def __init__(self, emulator: Emulator, mode: str, profile: str) -> None:
        values = {
            "openai-ft:service": profile,
            "openai-ft:baseUrl": emulator.url,
            "openai-ft:apiKey": API_KEY,
        }
        self.emulator, self.profile = emulator, profile
        self.settings = Settings.resolve({**values, **SETTINGS.get(mode, {})}.get, {})
        self.has_suffix = "suffix" not in MODES[mode].refused_fields
        self.job = self._train()

    def client(self) -> closing[Client]:
        return closing(Client(self.settings))

    def lacks(self, feature: str) -> str:
        return f"the service '{self.profile}' does not support {feature}"

    @property
    def label(self) -> str:
        return SUFFIX if self.has_suffix else self.job.id

    def _train(self) -> Job:
        with self.client() as client:
            file = client.upload_file("data.jsonl", io.BytesIO(rows()), purpose="fine-tune")
            while client.file(file.id).status == "pending":
                self.emulator.advance(1)
            suffix = {"suffix": SUFFIX} if self.has_suffix else {}
            job = client.create_job({"model": MODEL, "training_file": file.id, **suffix})
            while not (job := client.job(job.id)).is_terminal:
                self.emulator.advance(100)
        return job


@pytest.fixture
def service(mode: str, profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.chdir(tmp_path)
    with Emulator(today=TODAY, mode=mode) as emulator:
        made = Service(emulator, mode, profile)
        monkeypatch.setattr(Selection, "settings", lambda _: made.settings)
        yield made


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.parametrize(("mode", "profile"), marked([*CASES, ("openai", "self-hosted")]))
def test_a_missing_feature_is_named(service: Service, mode: str, capsys: Capture) -> None:
    job, no_events = service.job, service.lacks("job events")
    is_lacking = mode in LACKING

    code, out, err = run(capsys, "jobs", "--json", "--loss")
    assert (code, no_events in err) == (0, is_lacking)
    assert [(found["id"], found["train_loss"] is None) for found in json.loads(out)] == [(job.id, is_lacking)]

    code, out, err = run(capsys, "events", job.id)
    assert (code, no_events in err) == ((1, True) if is_lacking else (0, False))
    assert ("Fine-tuning job started" in out) != is_lacking

    code, out, err = run(capsys, "watch", job.id)
    assert (code, no_events in err) == (0, is_lacking)
    assert "succeeded" in out
    assert (run(capsys, "jobs")[1].count(SUFFIX) > 0) == service.has_suffix

    code, _, err = run(capsys, "report", job.id, "-o", "a.html", "-o", "a.csv")
    assert code == 0
    page, steps = Page(Path("a.html").read_text("utf-8")), metrics(service)["metrics"]
    for sentence in (no_events, service.lacks("checkpoints")):
        named = f"{sentence[0].upper()}{sentence[1:]}"
        assert (sentence in err, named in "".join(page.texts)) == (is_lacking, is_lacking)
    [curve] = [curve for curve in page.curves("loss") if curve["split"] == "training"]
    assert curve["job"] == service.label
    assert curve["step"] == [row["step"] for row in steps]
    assert len(Path("a.csv").read_text().splitlines()) == 1 + len(steps)
    assert len(steps) >= 20


@pytest.mark.parametrize(("mode", "profile"), marked([case for case in CASES if case[0] in LACKING]))
def test_a_service_without_any_metrics_still_has_a_report(service: Service, capsys: Capture) -> None:
    service.emulator.fault("GET", CONTENT, "status", status=404, times=None)
    refused = f"does not return the content of the result file {service.job.result_files[0]}"

    found = metrics(service)
    assert (found["metrics"], found["source"]) == ([], None)
    assert [sentence for sentence in found["missing"] if refused in sentence]
    assert [sentence for sentence in found["missing"] if service.lacks("job events") in sentence]

    code, _, err = run(capsys, "report", service.job.id, "-o", "a.html", "-o", "a.csv")
    assert (code, refused in err) == (0, True)
    page = Page(Path("a.html").read_text("utf-8"))
    assert page.charts == {}
    assert refused in "".join(page.texts)
    assert service.job.id in "".join(page.texts)
    assert len(Path("a.csv").read_text().splitlines()) == 1

    code, _, err = run(capsys, "report", service.job.id, "-o", "a.png")
    assert code == 1
    assert "a.png: the jobs have no metrics of training steps" in err

    code, out, err = run(capsys, "watch", service.job.id)
    assert (code, refused in err, "succeeded" in out) == (0, True, True)


def metrics(service: Service) -> dict[str, Any]:
    """Return the result of `get_fine_tuning_metrics`."""
    with service.client() as client:
        arguments = lookups.METRICS.check({"fine_tuning_job_id": service.job.id})
        return lookups.METRICS.run(client, arguments).model_dump()
