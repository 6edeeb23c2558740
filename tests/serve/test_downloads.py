"""Base models of a hub, as far as no hub is reached. `tests/train/test_downloads.py` downloads them."""

from __future__ import annotations

import json
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest
from tests.serve.config_support import make_base_folder

from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.serve.backup import back_up
from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.downloads import download_missing
from pulumi_openai_ft.serve.errors import ConfigError, ServeError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "team/model"
NOT_DOWNLOADED = f"base[0].hub: {NAME} is not downloaded: start once with `openai-ft serve --allow-download`"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, f'python = "{sys.executable}"')


def write_config(folder: Path, training: str, more: str = "") -> Path:
    path = folder / "serve.toml"
    path.write_text(
        f'[[base]]\nid = "model"\nhub = "{NAME}"\nrevision = "v1"\n[training]\n{training}\n{more}'
    )
    return path


def downloaded(config: Path, context: int = 4096) -> Path:
    return make_base_folder(config.parent / "data" / "bases" / "team" / "model" / "v1", context=context)


def events(folder: Path, *lines: object) -> str:
    """Write a program that reports events like the download, and return its line of the configuration."""
    program = folder / "python"
    text = "\n".join(map(json.dumps, lines))
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nread end\n")
    program.chmod(0o755)
    return f'python = "{program}"'


def test_the_download_receives_no_key_but_the_hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "of-the-hub")
    monkeypatch.setenv("VLLM_KEY", "of-vllm")
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\nprintf \'{"event": "error", "message": "%s"}\' "$HF_TOKEN, $VLLM_KEY."\n')
    program.chmod(0o755)

    with pytest.raises(ServeError) as error:
        download_missing(load_config(write_config(tmp_path, f'python = "{program}"'), may_download=True))

    assert str(error.value).endswith("of-the-hub, .")


def test_service_refuses_a_base_that_is_not_downloaded(config: Path, capsys: Capture) -> None:
    assert main(["serve", "--config", str(config), "--port", "0"]) == 1

    (first, line) = capsys.readouterr().err.splitlines()
    assert first.endswith("serve.toml contains 1 mistake:")
    assert line.strip().startswith(NOT_DOWNLOADED)
    assert not (config.parent / "data").exists()


def test_downloaded_base_needs_no_permission(config: Path) -> None:
    folder = downloaded(config)

    loaded = load_config(config)

    assert loaded.folder(loaded.bases[0]) == folder
    assert loaded.not_downloaded() == {}


def test_downloaded_base_is_checked_like_others(config: Path) -> None:
    folder = downloaded(config, context=1024)
    (folder / "tokenizer.json").unlink()

    with pytest.raises(ConfigError) as caught:
        load_config(config)

    template, length = caught.value.mistakes
    assert template == f"base[0].hub: {folder} contains no tokenizer.json: copy it from the model's source"
    assert length.startswith("base[0].max_length is 2048: must be at most 1024")


def test_doctor_reports_a_base_that_is_not_downloaded(config: Path, capsys: Capture) -> None:
    assert main(["serve", "doctor", "--config", str(config), "--json"]) == 1

    findings = {finding["check"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["weights"]["status"] == "problem"
    assert findings["weights"]["message"].startswith(NOT_DOWNLOADED)
    assert findings["config"]["status"] == "ok"


def test_catalog_lists_a_base_that_is_not_downloaded(config: Path, capsys: Capture) -> None:
    assert main(["serve", "catalog", "--config", str(config)]) == 0

    assert list(json.loads(capsys.readouterr().out)) == ["model"]


def test_backup_omits_downloaded_bases(config: Path, tmp_path: Path) -> None:
    downloaded(config)
    (tmp_path / "data" / "blobs").mkdir()

    back_up(tmp_path / "data", tmp_path / "backup.tar")

    with tarfile.open(tmp_path / "backup.tar") as archive:
        assert "data/blobs" in archive.getnames()
        assert not [name for name in archive.getnames() if "bases" in name]


def problem_of(config: Path) -> str:
    loaded = load_config(config, may_download=True)
    loaded.data.mkdir(exist_ok=True)
    with pytest.raises(ServeError) as caught:
        download_missing(loaded)
    assert not loaded.folder(loaded.bases[0]).exists()
    return str(caught.value)


def test_missing_packages_are_named(config: Path) -> None:
    problem = problem_of(config)

    assert "ended unexpectedly (ModuleNotFoundError: No module named 'huggingface_hub')" in problem
    assert problem.endswith("install the extra `train` for training.python (docs/install.md)")


def test_python_that_does_not_exist_is_named(tmp_path: Path) -> None:
    problem = problem_of(write_config(tmp_path, 'python = "no"'))

    assert problem.endswith(f"training.python {tmp_path}/no cannot be run: No such file or directory")


def test_full_disk_is_noticed_before_the_download(tmp_path: Path) -> None:
    plan = {"event": "plan", "total": 10**18, "missing": 10**18}

    problem = problem_of(write_config(tmp_path, events(tmp_path, plan)))

    assert problem.startswith(f"base[0].hub: {NAME} needs 888.2 PiB, but the disk of the data folder has ")


def test_unusable_files_are_not_published(tmp_path: Path) -> None:
    arrived = make_base_folder(tmp_path / "arrived")
    (arrived / "model.safetensors").unlink()
    done = {"event": "done", "folder": str(arrived), "commit": "c"}

    problem = problem_of(write_config(tmp_path, events(tmp_path, done)))

    assert (
        problem == f"base[0].hub: {NAME} contains no safetensors files: use a model in the format safetensors"
    )
