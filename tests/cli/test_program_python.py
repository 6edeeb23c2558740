"""How the search for the Python of a program is reported.

`tests/program_python` has the rules of the search.
"""

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
"""A `poetry` whose `env info --path` prints the content of a file, and fails without the file."""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a single folder on PATH, and return it."""
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "cat").symlink_to(shutil.which("cat") or "")
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project whose program is in a subfolder."""
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


def test_the_option_that_selects_is_reported(project: Path) -> None:
    expected = environment(project / "env")

    assert chosen(project, virtualenv="env") == (expected, "pip", "runtime.options.virtualenv")


def test_a_missing_environment_is_named(project: Path) -> None:
    assert refusal(project, virtualenv="env") == (
        f"{project}/env is not a virtual environment (runtime.options.virtualenv selects it); "
        "run `pulumi install`"
    )


def test_the_toolchain_is_reported(project: Path, tools: Path) -> None:
    add_tool(tools, "uv")
    add_tool(tools, "poetry", POETRY)
    of_uv, of_poetry = environment(project / ".venv"), environment(project / "cache" / "shop-py3")
    (project / "program" / "environment").write_text(f"{project}/cache/shop-py3\n")
    (project / "poetry.lock").touch()

    assert chosen(project) == (of_poetry, "poetry", "poetry")
    (project / "uv.lock").touch()
    assert chosen(project) == (of_uv, "uv", "uv")
    assert chosen(project, virtualenv=".venv") == (of_uv, "uv", "runtime.options.virtualenv")


def test_poetry_without_an_environment_is_reported(project: Path, tools: Path) -> None:
    add_tool(tools, "poetry", POETRY)

    assert refusal(project, toolchain="poetry") == (
        f"poetry has no environment for {project}/program; run `pulumi install`"
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"virtualenv": None}, "runtime.options.virtualenv is None: write a string, or remove it"),
        ({"virtualenv": 3}, "runtime.options.virtualenv is 3: write a string, or remove it"),
        ({"toolchain": ["uv"]}, "runtime.options.toolchain is ['uv']: write a string, or remove it"),
        ({"toolchain": "conda"}, "runtime.options.toolchain is 'conda': write pip, poetry or uv"),
    ],
)
def test_options_that_pulumi_rejects_are_reported(
    project: Path, options: dict[str, Any], sentence: str
) -> None:
    assert refusal(project, **options) == sentence


@pytest.mark.parametrize("toolchain", ["uv", "poetry"])
def test_a_missing_tool_is_named(project: Path, tools: Path, toolchain: str) -> None:
    assert tools.exists()
    (project / f"{toolchain}.lock").touch()

    assert refusal(project) == f"`{toolchain}`, which the project uses, is not on PATH; install it"


def test_the_python_on_path_is_the_default(project: Path, tools: Path) -> None:
    environment(project / "venv")
    python = add_tool(tools, "python")

    assert chosen(project) == (python, "pip", "PATH")
    python3 = add_tool(tools, "python3")
    assert chosen(project)[0] == python3


def test_the_python_on_path_can_be_named(project: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_tool(tools, "python3")
    expected = add_tool(tools, "python3.12")
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "python3.12")

    assert chosen(project) == (expected, "pip", "PULUMI_PYTHON_CMD")


def test_a_missing_python_is_reported(project: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tools.exists()

    assert refusal(project).startswith("python3 and python are not on PATH: install Python, or set runtime.")
    monkeypatch.setenv("PULUMI_PYTHON_CMD", "python3.99")
    assert refusal(project).startswith("python3.99 (PULUMI_PYTHON_CMD) is not on PATH: install Python")


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
