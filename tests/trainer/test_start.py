from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"
HOOK = """
import sys, time
from importlib.abc import MetaPathFinder
from pathlib import Path

class Slow(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "pulumi_openai_ft.trainer.command":
            Path("loading").touch()
            while not Path("go").exists():
                time.sleep(0.01)

sys.meta_path.insert(0, Slow())
"""


def test_sigterm_before_imports_is_a_stop(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    (tmp_path / "request.json").write_text("{}")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{SRC}"}
    command = [sys.executable, "-m", "pulumi_openai_ft.trainer", str(tmp_path)]
    trainer = subprocess.Popen(command, cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 30
    while not (tmp_path / "loading").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    trainer.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()

    assert trainer.wait(30) == 75
    assert not (tmp_path / "process.json").exists()
