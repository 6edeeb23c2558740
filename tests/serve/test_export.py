"""Jobs exported from the service, with the stand-in trainer."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tests.serve.services import BASE, PROJECT_KEY, RunningService, train

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_job_is_exported_with_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", PROJECT_KEY)
    with RunningService.create(tmp_path / "service") as service:
        monkeypatch.setenv("OPENAI_BASE_URL", service.url)
        job = train(service.client(), suffix="shop")

        assert main(["export", job.id, "--output", "out"]) == 0

    listed = json.loads((tmp_path / "out" / "export.json").read_text())
    (file,) = listed["files"]
    content = (tmp_path / "out" / file["path"]).read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    assert [(found["id"], found["model"]) for found in listed["jobs"]] == [(job.id, BASE)]
