from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import API_KEY

from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.errors import InputError, SettingsError

Capture = pytest.CaptureFixture[str]
PROJECT = "name: shop\nruntime: python\n"

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder on a machine without Pulumi, with a key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]))
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    return tmp_path


def test_outside_of_a_project_the_environment_counts(capsys: Capture) -> None:
    assert Selection().settings().api_key == API_KEY
    assert capsys.readouterr().err == ""


def test_an_unreadable_stack_is_noted(folder: Path, capsys: Capture) -> None:
    (folder / "Pulumi.yaml").write_text(PROJECT)

    assert Selection().settings().api_key == API_KEY
    assert "using the environment only" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["runtime: nodejs\n", ": ["])
def test_an_invalid_project_is_noted(folder: Path, content: str, capsys: Capture) -> None:
    (folder / "Pulumi.yaml").write_text(content)

    assert Selection().settings().api_key == API_KEY
    assert "Pulumi.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("of", [Selection, lambda _: Selection(stack="dev")])
def test_an_explicit_selection_must_exist(folder: Path, of: Callable[[Path], Selection]) -> None:
    with pytest.raises(InputError, match=r"no Pulumi\.yaml"):
        of(folder).settings()


def test_an_explicit_stack_must_be_readable(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text(PROJECT)

    with pytest.raises(InputError, match="pulumi"):
        Selection(stack="dev").settings()


def test_a_client_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")

    with pytest.raises(SettingsError, match="OPENAI_API_KEY"), Selection().client():
        pass
