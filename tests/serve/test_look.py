"""The commands that show jobs, at the service with the stand-in trainer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.serve.services import BASE, PROJECT_KEY, RunningService, train
from tests.serve.stand_in_trainer import loss

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningService]:
    monkeypatch.chdir(tmp_path)
    with RunningService.create(tmp_path / "service") as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", PROJECT_KEY)
        yield running


def test_a_job_is_followed_and_listed(service: RunningService, capsys: Capture) -> None:
    job_id = train(service.client(), suffix="shop").id

    assert main(["watch", job_id]) == 0
    watched = capsys.readouterr().out
    assert main(["events", job_id, "--follow", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["jobs", "--json", "--loss"]) == 0
    (job,) = json.loads(capsys.readouterr().out)

    assert "succeeded · step 9/9 (100 %)" in watched
    assert f"job {job_id} created model ft:{BASE}:team:shop:" in watched
    assert [event["data"]["step"] for event in events if event["type"] == "metrics"] == list(range(1, 10))
    assert (job["id"], job["suffix"], job["cost_usd"]) == (job_id, "shop", None)
    assert job["train_loss"] == loss(7, 9)
