"""`openai-ft report`, at the service with the stand-in trainer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.report.conftest import _cached_vega_script, _vega_script  # noqa: F401 - fixtures
from tests.cli.report.support import Page
from tests.serve.services import PROJECT_KEY, RunningService, train
from tests.serve.stand_in_trainer import loss

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("report")


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningService]:
    monkeypatch.chdir(tmp_path)
    with RunningService.create(tmp_path / "service") as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", PROJECT_KEY)
        yield running


def test_a_trained_job_is_reported(service: RunningService) -> None:
    job_id = train(service.client(), suffix="shop").id
    assert main(["watch", job_id]) == 0

    assert main(["report", job_id, "--output", "report.html"]) == 0

    page = Page(Path("report.html").read_text("utf-8"))
    [curve] = [curve for curve in page.curves("loss") if curve["split"] == "training"]
    assert (curve["job"], curve["step"], curve["value"][-1]) == ("shop", list(range(1, 10)), loss(7, 9))
    assert "The job succeeded" in page.texts
