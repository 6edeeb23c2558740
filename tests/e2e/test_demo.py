"""`make demo`, by its script."""

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
]  # its stack's settings pass through the root folder
ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(engine: str, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the demo in a folder of the test's own, as a terminal would: in a process group of its own."""

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


def test_shows_the_workflow_and_leaves_nothing_behind(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    demo = start()
    said, _ = demo.communicate(timeout=100)

    assert demo.returncode == 0, said
    assert re.search(r'fine_tuned_model *: "ft:gpt-4o-mini-2024-07-18:emulator:customer-support:\w{8}"', said)
    assert re.search(r'proj_partner_team: "cp_\w+"', said)
    assert "5 unchanged" in said
    assert not (tmp_path / "demo").exists()
    assert not (ROOT / "Pulumi.demo.yaml").exists()


def test_an_interrupted_demo_cleans_up(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    demo = start()
    assert demo.stdout is not None
    for line in demo.stdout:
        if "creating (0s)" in line:
            break
    os.killpg(demo.pid, signal.SIGINT)
    said = demo.communicate(timeout=100)[0]

    assert demo.returncode == 130, said
    assert "Traceback" not in said
    assert not (tmp_path / "demo").exists()


def test_a_kept_demo_runs_until_it_is_stopped(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    said, _ = start("--keep").communicate(timeout=100)
    go_on = f". {tmp_path}/demo/env.sh && pulumi preview --expect-no-changes"
    shown = subprocess.run(["bash", "-c", go_on], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int((tmp_path / "demo" / "emulator.pid").read_text())

    start("--stop").communicate(timeout=30)

    assert "pulumi stack init real" in said
    assert shown.returncode == 0, shown.stdout + shown.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (tmp_path / "demo").exists()
