"""Signals that arrive while a server waits for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.serve.services import config_text, stand_in_python, write_base_model

if TYPE_CHECKING:
    from pathlib import Path

SECONDS_TO_END = 30
INTERRUPTED_IN_EACH_WAIT = """
import io, runpy, signal, sys, threading

class Output(io.TextIOWrapper):
    was_written = False

    def write(self, text):
        self.was_written = True
        return super().write(text)

def interrupt(frame, event, _):
    if event == "line" and frame.f_code is threading.Condition.wait.__code__ and sys.stdout.was_written:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # while the thread has the lock of the condition
    return interrupt

sys.stdout = Output(sys.stdout.buffer)
module, *sys.argv[1:] = sys.argv[1:]
sys.settrace(interrupt)
if module == "openai-ft":
    from pulumi_openai_ft.cli.main import main
    sys.exit(main())
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


INTERRUPTED_IN_AN_IMPORT = """
import os, signal, sys
from importlib.metadata import entry_points

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "pulumi_openai_ft.cli.main":
            os.kill(os.getpid(), signal.SIGINT)

if sys.argv[1] == "ignored":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
(command,) = entry_points(group="console_scripts", name="openai-ft")
sys.argv[1:] = ["--version"]
sys.meta_path.insert(0, Interrupting())
command.load()()
"""


@pytest.mark.parametrize(("state", "code"), [("handled", -signal.SIGINT), ("ignored", 0)])
def test_ctrl_c_during_imports_prints_no_traceback(state: str, code: int) -> None:
    command = [sys.executable, "-c", INTERRUPTED_IN_AN_IMPORT, state]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (code, "")


@pytest.mark.parametrize("server", ["host", "emulator", "serve"])
def test_a_signal_in_a_wait_ends_the_server(server: str, tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text(
        config_text(write_base_model(tmp_path / "model"), stand_in_python(tmp_path))
    )
    commands = {
        "host": ["pulumi_openai_ft.host"],
        "emulator": ["pulumi_openai_ft.emulator"],
        "serve": ["openai-ft", "serve", "--config", str(tmp_path / "serve.toml"), "--port", "0"],
    }
    command = [sys.executable, "-c", INTERRUPTED_IN_EACH_WAIT, *commands[server]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}

    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=SECONDS_TO_END)
        finally:
            process.kill()

    assert process.returncode == 0, errors.decode()
