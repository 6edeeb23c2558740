"""The script of `make demo`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("demo"),
]  # its stack settings are written to the root folder
ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(engine: str, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts the demo in its own folder and process group, as a terminal does."""

    def start_demo(*arguments: str) -> subprocess.Popen[str]:
        command: list[str | Path] = [
            sys.executable,
            ROOT / "tools" / "demo.py",
            "--folder",
            tmp_path / "demo",
            *arguments,
        ]
        settings = {"OPENAI_API_KEY": "sk-of-the-shell-0123456789", "OPENAI_BASE_URL": "http://192.0.2.1/v1"}
        return subprocess.Popen(
            command,
            env={**os.environ, **settings, "PATH": f"{engine}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start_demo


@pytest.mark.core
def test_the_demo_shows_the_workflow_and_cleans_up(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    demo = start()
    output, _ = demo.communicate(timeout=100)

    assert demo.returncode == 0, output
    assert re.search(
        r'fine_tuned_model *: "ft:gpt-4o-mini-2024-07-18:emulator:customer-support:\w{8}"', output
    )
    assert re.search(r'proj_partner_team: "cp_\w+"', output)
    assert "5 unchanged" in output
    assert not (tmp_path / "demo").exists()
    assert not (ROOT / "Pulumi.demo.yaml").exists()


def test_an_interrupted_demo_cleans_up(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    demo = start()
    assert demo.stdout is not None
    for line in demo.stdout:
        if "creating (0s)" in line:
            break
    os.killpg(demo.pid, signal.SIGINT)
    output = demo.communicate(timeout=100)[0]

    assert demo.returncode == 130, output
    assert "Traceback" not in output
    assert not (tmp_path / "demo").exists()


def test_a_kept_demo_runs_until_it_is_stopped(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    output, _ = start("--keep").communicate(timeout=100)
    command = f". {tmp_path}/demo/env.sh && pulumi preview --expect-no-changes"
    preview = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int((tmp_path / "demo" / "emulator.pid").read_text())

    start("--stop").communicate(timeout=30)

    assert "pulumi stack init real" in output
    assert preview.returncode == 0, preview.stdout + preview.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (tmp_path / "demo").exists()
