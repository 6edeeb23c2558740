"""No process that the service starts receives a key that is not for it."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest
from tests.serve.services import (
    BASE,
    RunningService,
    config_text,
    train,
    wait_for,
    write_base_model,
)

import pulumi_openai_ft.serve
from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.doctor import examine
from pulumi_openai_ft.serve.downloads import download_missing
from pulumi_openai_ft.serve.errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Callable

DECLARED = {
    "DOOR_OF_VLLM": "serving.vllm_key_env",
    "BOARD": "wandb.key_env",
    "BOARD_A": "wandb.project_key_env",
}
SETTINGS = """
[serving]
vllm_key_env = "DOOR_OF_VLLM"

[wandb]
key_env = "BOARD"

[wandb.project_key_env]
proj_a = "BOARD_A"
"""
RAY = """
[engine]
type = "ray"
address = "http://127.0.0.1:1"
token_env = "DOOR_OF_RAY"
"""
HUB = """
[[base]]
id = "other"
hub = "team/model"
"""
NAMED_LIKE_KEYS = ("OPENAI_API_KEY", "RAY_AUTH_TOKEN")


def train_a_job(folder: Path) -> None:
    with RunningService(folder) as service, service.client() as client:
        wait_for(client, train(client).id, "succeeded", "failed")


def ask_a_model(folder: Path) -> None:
    with RunningService(folder) as service, service.client() as client, suppress(openai.APIStatusError):
        client.chat.completions.create(model=BASE, messages=[{"role": "user", "content": "hi"}])


def examine_the_machine(folder: Path) -> None:
    examine(folder / "serve.toml")


def download_a_model(folder: Path) -> None:
    config = load_config(folder / "serve.toml", may_download=True)
    config.data.mkdir()
    with pytest.raises(ServeError):
        download_missing(config)


CHILDREN = [train_a_job, ask_a_model, examine_the_machine, download_a_model]
CASES = [
    *((SETTINGS, start) for start in CHILDREN),
    *((RAY, start) for start in CHILDREN if start is not train_a_job),  # the cluster starts the trainer
]


def write_service(folder: Path, settings: str) -> None:
    """Write a service whose Python only writes its environment to a file."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\nenv >> {folder}/environment\nexit 1\n")
    python.chmod(0o755)
    text = config_text(write_base_model(folder / "model"), python, more=settings)
    (folder / "serve.toml").write_text(text)


@pytest.mark.parametrize(("settings", "start"), CASES)
def test_a_child_receives_no_key_of_the_service(
    settings: str, start: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*DECLARED, "DOOR_OF_RAY", *NAMED_LIKE_KEYS, "HF_TOKEN"):
        monkeypatch.setenv(name, f"secret-{name.lower()}")
    monkeypatch.setenv("ORDINARY", "visible")
    write_service(tmp_path, settings + (HUB if start is download_a_model else ""))

    start(tmp_path)

    found = (tmp_path / "environment").read_text()
    declared = DECLARED if settings == SETTINGS else ["DOOR_OF_RAY"]
    assert "visible" in found
    assert [name for name in (*declared, *NAMED_LIKE_KEYS) if f"secret-{name.lower()}" in found] == []
    assert ("secret-hf_token" in found) == (start is download_a_model)


def test_every_variable_of_a_key_is_a_secret(tmp_path: Path) -> None:
    write_service(tmp_path, SETTINGS)
    assert load_config(tmp_path / "serve.toml").secret_variables == set(DECLARED)
    (tmp_path / "serve.toml").write_text((tmp_path / "serve.toml").read_text().replace(SETTINGS, RAY))
    assert load_config(tmp_path / "serve.toml").secret_variables == {"DOOR_OF_RAY"}


def calls_of_subprocess() -> list[ast.Call]:
    """Return the calls in the service that start a process."""
    files = Path(next(iter(pulumi_openai_ft.serve.__path__))).rglob("*.py")
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    calls = (node for node in nodes if isinstance(node, ast.Call))
    return [call for call in calls if "subprocess" in ast.unparse(call.func)]


def test_every_child_has_an_explicit_environment() -> None:
    calls = calls_of_subprocess()
    assert len(calls) >= len(CHILDREN)
    assert [ast.unparse(call) for call in calls if "env" not in {word.arg for word in call.keywords}] == []
