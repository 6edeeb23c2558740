"""The Python that Pulumi's language host would choose for a program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pulumi_openai_ft.cli.program_python import Runtime
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

POETRY = "#!/bin/sh\n[ -e environment ] || exit 1\ncat environment\n"
"""Answers `poetry env info --path` with the content of a file, and fails where there is none."""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "cat").symlink_to(shutil.which("cat") or "")
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose program lies in a folder of its own."""
    (tmp_path / "project" / "program").mkdir(parents=True)
    return tmp_path / "project"


def add_tool(tools: Path, name: str, content: str = "#!/bin/sh\n") -> Path:
    (tools / name).write_text(content)
    (tools / name).chmod(0o755)
    return tools / name


def environment(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder / "bin" / "python"


def chosen(project: Path, **options: Any) -> tuple[Path, str, str]:
    found = Runtime(project, project / "program", options).python()
    return found.executable, found.toolchain, found.chosen_by


def refusal(project: Path, **options: Any) -> str:
    with pytest.raises(InputError) as refused:
        chosen(project, **options)
    return str(refused.value)


def test_the_option_names_an_environment_beside_the_project_file(project: Path, tools: Path) -> None:
    assert tools.exists()
    wanted = environment(project / "env")
    environment(project / "program" / "env")

    assert chosen(project, virtualenv="env") == (wanted, "pip", "runtime.options.virtualenv")
    assert chosen(project, virtualenv=str(project / "env"))[0] == wanted
    assert chosen(project, virtualenv="env", toolchain="pip")[0] == wanted


def test_a_missing_environment_is_named(project: Path) -> None:
    assert refusal(project, virtualenv="env") == (
        f"{project}/env, selected by runtime.options.virtualenv, is not a virtual environment; "
        "run `pulumi install`"
    )


@pytest.mark.parametrize("place", ["program", ".", ".."])
def test_uv_uses_the_folder_of_its_lock_file(project: Path, tools: Path, place: str) -> None:
    add_tool(tools, "uv")
    folder = (project / place).resolve()
    (folder / "uv.lock").touch()
    wanted = environment(folder / ".venv")

    assert chosen(project) == (wanted, "uv", "uv")
    assert chosen(project, toolchain="uv")[0] == wanted


def test_uv_without_a_lock_file_uses_that_of_pyproject(project: Path, tools: Path) -> None:
    add_tool(tools, "uv")
    (project / "pyproject.toml").touch()
    wanted = environment(project / ".venv")

    assert chosen(project, toolchain="uv")[0] == wanted


def test_uv_without_files_uses_the_program_folder(project: Path, tools: Path) -> None:
    add_tool(tools, "uv")
    wanted = environment(project / "program" / ".venv")

    assert chosen(project, toolchain="uv")[0] == wanted


def test_uv_can_have_its_environment_elsewhere(
    project: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tool(tools, "uv")
    (project / "uv.lock").touch()
    wanted = environment(project / "env")
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", "env")

    assert chosen(project)[0] == wanted


def test_the_option_wins_with_uv(project: Path, tools: Path) -> None:
    add_tool(tools, "uv")
    (project / "uv.lock").touch()
    environment(project / ".venv")
    wanted = environment(project / "env")

    assert chosen(project, virtualenv="env") == (wanted, "uv", "runtime.options.virtualenv")


@pytest.mark.parametrize(
    "option", [{}, {"toolchain": "poetry"}, {"toolchain": "poetry", "virtualenv": "env"}]
)
def test_poetry_names_its_environment(project: Path, tools: Path, option: dict[str, str]) -> None:
    add_tool(tools, "poetry", POETRY)
    (project / "poetry.lock").touch()
    wanted = environment(project / "cache" / "shop-py3")
    (project / "program" / "environment").write_text(f"{project}/cache/shop-py3\n")

    assert chosen(project, **option) == (wanted, "poetry", "poetry")


def test_poetry_without_an_environment_is_reported(project: Path, tools: Path) -> None:
    add_tool(tools, "poetry", POETRY)

    assert refusal(project, toolchain="poetry") == (
        f"poetry has no environment for {project}/program; run `pulumi install`"
    )


@pytest.mark.parametrize("toolchain", ["uv", "poetry"])
def test_a_missing_tool_is_named(project: Path, tools: Path, toolchain: str) -> None:
    assert tools.exists()
    (project / f"{toolchain}.lock").touch()

    assert refusal(project) == f"`{toolchain}`, which the project uses, is not on PATH; install it"


def test_uv_goes_before_poetry(project: Path, tools: Path) -> None:
    add_tool(tools, "uv")
    (project / "uv.lock").touch()
    (project / "poetry.lock").touch()
    wanted = environment(project / ".venv")

    assert chosen(project)[0] == wanted


def test_otherwise_it_is_the_one_on_path(project: Path, tools: Path) -> None:
    environment(project / "venv")
    python = add_tool(tools, "python")

    assert chosen(project) == (python, "pip", "PATH")
    python3 = add_tool(tools, "python3")
    assert chosen(project)[0] == python3


def test_the_one_on_path_can_be_named(project: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_tool(tools, "python3")
    wanted = add_tool(tools, "python3.12")
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "python3.12")

    assert chosen(project) == (wanted, "pip", "PULUMI_PYTHON_CMD")


def test_no_python_at_all_is_reported(project: Path, tools: Path) -> None:
    assert tools.exists()

    assert refusal(project).startswith(
        "no Python (python3 or python) on PATH; install Python, or set runtime."
    )


def test_versions_are_those_of_the_environment(project: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / "env"], check=True)
    python = Runtime(project, project, {"virtualenv": "env"}).python()

    found = python.inspect(project)

    assert found.version == sys.version.split()[0]
    assert set(found.packages.values()) == {None}


def test_a_python_that_does_not_run_is_reported(project: Path, tools: Path) -> None:
    add_tool(tools, "python3", "#!/bin/sh\necho 'no such interpreter' >&2\nexit 3\n")
    python = Runtime(project, project).python()

    with pytest.raises(InputError, match="python3 does not run: no such interpreter"):
        python.inspect(project)
