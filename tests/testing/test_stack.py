"""The project that a stack of a test runs: a copy of the user's, in the Python of pytest."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pulumi_openai_ft.cli.project import WRAPPER
from pulumi_openai_ft.testing.program import project_of
from pulumi_openai_ft.testing.stack import write_project

if TYPE_CHECKING:
    from pathlib import Path

OURS = {"name": "pulumi-python", "path": "../bin"}


@pytest.fixture
def copied(tmp_path: Path) -> Any:
    """Return a function that writes a project, and returns the settings of its copy."""
    (tmp_path / "copy").mkdir()

    def copy(settings: dict[str, Any]) -> dict[str, Any]:
        (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "shop", **settings}))
        write_project(project_of(tmp_path), tmp_path / "copy")
        found: dict[str, Any] = yaml.safe_load((tmp_path / "copy" / "Pulumi.yaml").read_text())
        return found

    return copy


@pytest.mark.parametrize("main", ["", ".", "program", "program/main.py"])
def test_the_program_stays_in_its_place(copied: Any, tmp_path: Path, main: str) -> None:
    found = copied({"runtime": "python", **({"main": main} if main else {})})

    assert found["main"] == str((tmp_path / main).resolve())
    assert found["name"] == "shop"


@pytest.mark.parametrize(
    "runtime",
    [
        "python",
        {"name": "python"},
        {"name": "python", "options": {"virtualenv": "venv", "toolchain": "uv", "typechecker": "mypy"}},
    ],
)
def test_the_program_runs_in_the_python_of_pytest(copied: Any, runtime: Any) -> None:
    options = copied({"runtime": runtime})["runtime"]["options"]

    assert (options["toolchain"], options["virtualenv"]) == ("pip", sys.prefix)
    assert options.get("typechecker") == ("mypy" if "typechecker" in repr(runtime) else None)


def test_a_project_keeps_the_host_it_selects(copied: Any, tmp_path: Path) -> None:
    stock = copied({"runtime": "python"})
    assert not stock.get("plugins")
    assert not (tmp_path / "copy" / "bin").exists()

    ours = copied({"runtime": "python", "plugins": {"providers": [OURS]}})
    assert ours["plugins"]["providers"] == [{"name": "pulumi-python", "path": "bin"}]
    assert (tmp_path / "copy" / "bin" / WRAPPER).exists()


def test_paths_of_other_plugins_become_absolute(copied: Any, tmp_path: Path) -> None:
    own = {"name": "mill", "path": "./mill"}

    found = copied({"runtime": "python", "plugins": {"providers": [OURS, own], "analyzers": [own]}})

    absolute = {"name": "mill", "path": str(tmp_path / "mill")}
    assert absolute in found["plugins"]["providers"]
    assert found["plugins"]["analyzers"] == [absolute]


def test_stacks_are_not_stored_where_the_project_says(copied: Any) -> None:
    elsewhere = {"backend": {"url": "s3://bucket"}, "stackConfigDir": "stacks"}
    config = {"openai-ft:service": {"value": "azure"}}

    found = copied({"runtime": "python", "config": config, **elsewhere})

    assert found["config"] == config
    assert found.keys() & elsewhere.keys() == set()
