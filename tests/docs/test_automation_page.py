"""The commands and the program on the page about the Automation API run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import ROOT, samples
from tests.e2e.conftest import engine, environment, service  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


def sample(language: str) -> str:
    (text,) = (found.text for found in samples("automation") if found.language == language)
    return text


@pytest.mark.e2e
def test_the_inline_program_runs_with_our_host(
    engine: str,  # noqa: F811 - the fixture
    service: Emulator,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    (tmp_path / "state").mkdir()
    env = environment(engine, service, tmp_path, {})
    shutil.copy(ROOT / "examples" / "data" / "customer_support.jsonl", tmp_path)
    (tmp_path / "program.py").write_text(sample("python"))

    subprocess.run(["bash", "-ec", sample("bash")], cwd=tmp_path, env=env, check=True)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "created job ftjob-" in done.stdout
    assert done.stdout.splitlines()[-1] == service.jobs()[0]["fine_tuned_model"]
