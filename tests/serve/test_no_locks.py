"""A file system without locks (flock), such as some network file systems and containers have."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from tests.serve.ray_stand_in import TOKEN
from tests.serve.services import config_text, write_base_model
from tests.serve.test_kills import wait_until
from tests.serve.test_ray_answers import engine_of, finding, head, new_attempt, write_service

from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.serve.doctor import examine

SRC = Path(__file__).parents[2] / "src"
REFUSALS = [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EIO]
WITHOUT_LOCKS = """
import fcntl, os

def refuse(*_):
    raise OSError({code}, os.strerror({code}))

fcntl.flock = refuse
"""


@pytest.fixture(params=REFUSALS, ids=[errno.errorcode[code] for code in REFUSALS])
def reason(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Refuse all locks of this process, and return the reason."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    return os.strerror(request.param)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "serve.toml"
    path.write_text(config_text(write_base_model(tmp_path / "model"), Path("no")))
    return path


def test_the_service_does_not_start(config: Path, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--config", str(config), "--port", "0"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"The file system of the data directory {config.parent / 'data'} refuses locks ({reason})" in line
    assert "Choose a directory on a local disk, NFS 4 or CephFS with `data` in the configuration" in line


def test_the_doctor_reports_it(config: Path, reason: str) -> None:
    (found,) = [found for found in examine(config) if found.check == "data"]
    assert found.status == "problem"
    assert found.message.startswith(f"the file system of {config.parent} refuses locks ({reason})")
    assert "set `data` to a path" in found.message


@pytest.mark.parametrize("arguments", [["backup", "x.tar"], ["key", "add", "--project", "proj_c"]])
def test_a_command_ends_with_a_sentence(
    arguments: list[str], config: Path, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "data").mkdir()
    assert main(["serve", *arguments, "--config", str(config)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert str(config.parent) in line


@pytest.mark.usefixtures("reason")
def test_a_cluster_receives_no_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR", TOKEN)
    with head() as (found, address):
        path = write_service(tmp_path, address)
        assert (
            f"The file system of {tmp_path / 'data'}, the data folder, refuses locks" in finding(path).message
        )
        with engine_of(path) as engine:
            attempt = new_attempt(tmp_path)
            engine.start(attempt, {})
            wait_until(lambda: "refuses locks" in engine.state(attempt).notice)
    assert found.bodies == []


@pytest.mark.parametrize("code", REFUSALS)
def test_a_trainer_ends_with_a_sentence(tmp_path: Path, code: int) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_LOCKS.format(code=code))
    (tmp_path / "request.json").write_text("{}")
    command = [sys.executable, "-m", "pulumi_openai_ft.trainer", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{SRC}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"The file system of {tmp_path} refuses locks ({os.strerror(code)})")
    assert "move the service's data folder to a file system with flock" in line
