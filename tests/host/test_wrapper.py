"""Which Python the wrapper chooses, and what becomes of it. That Python tells who it is in place of a host."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pulumi_openai_ft.cli.project import WRAPPER, WRAPPER_SOURCE, Project, WrapperStatus, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT / "Pulumi.yaml", *sorted((ROOT / "examples").glob("*/Pulumi.yaml"))]
SHELLS = [shell for shell in ("bash", "busybox", "dash", "ksh", "mksh", "zsh") if shutil.which(shell)]
PROGRAM = """
import json, os, sys
host = sys.modules["__main__"]
print(json.dumps({
    "environment": sys.prefix, "pid": os.getpid(), "arguments": sys.argv[1:], "path": os.environ["PATH"],
    "host": host.__spec__.name, "importable": sys.path[0] or os.getcwd(),
}))
"""
ADDRESS = "127.0.0.1:40000"


def environment(folder: Path, *, with_package: bool = True) -> Path:
    """A virtual environment as `venv` makes it, but without scripts; with a package of our name."""
    (folder / "bin").mkdir(parents=True)
    base = Path(sys.base_prefix) / "bin"
    (folder / "pyvenv.cfg").write_text(f"home = {base}\n")
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(Path(sys.executable).resolve())
    if with_package:
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
        (packages / "pulumi_openai_ft" / "host").mkdir(parents=True)
        (packages / "pulumi_openai_ft-0.1.0.dist-info").mkdir()
        (packages / "pulumi_openai_ft" / "host" / "__main__.py").write_text(PROGRAM)
    return folder


@dataclass
class Placed:
    """A project whose program lies in a folder of its own, with the wrapper in place."""

    folder: Path
    path: str = ""

    @property
    def program(self) -> Path:
        return self.folder / "program"

    @property
    def wrapper(self) -> Path:
        return self.folder / "bin" / WRAPPER

    def start(self, *arguments: str, shell: Sequence[str] = (), **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*shell, str(self.wrapper), *(arguments or (ADDRESS,))],
            cwd=self.program,
            env={"PATH": self.path, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def reported(self, *arguments: str, shell: Sequence[str] = (), **env: str) -> dict[str, Any]:
        """What the Python says that was started."""
        said, complaint = self.start(*arguments, shell=shell, **env).communicate(timeout=20)
        assert not complaint
        found: dict[str, Any] = json.loads(said)
        return found

    def chosen(self, **env: str) -> Path:
        return Path(self.reported(**env)["environment"])


@pytest.fixture
def project(tmp_path: Path) -> Placed:
    placed = Placed(tmp_path / "a project")
    placed.program.mkdir(parents=True)
    placed.wrapper.parent.mkdir()
    shutil.copy(WRAPPER_SOURCE, placed.wrapper)
    (placed.folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: program\n")
    return placed


@pytest.fixture
def activated(project: Placed) -> Path:
    """An environment on PATH, and nothing else there."""
    made = environment(project.folder.parent / "activated")
    project.path = str(made / "bin")
    return made


def test_an_option_is_relative_to_the_project_file(project: Placed, activated: Path) -> None:
    assert activated.exists()
    wanted = environment(project.folder / "env")
    environment(project.program / "env")

    assert project.chosen(PULUMI_RUNTIME_VIRTUALENV="env") == wanted


def test_an_option_may_be_relative_to_the_program(project: Placed) -> None:
    wanted = environment(project.program / "env")

    assert project.chosen(PULUMI_RUNTIME_VIRTUALENV="env") == wanted


def test_an_option_may_be_absolute(project: Placed, tmp_path: Path) -> None:
    wanted = environment(tmp_path / "elsewhere")

    assert project.chosen(PULUMI_RUNTIME_VIRTUALENV=str(wanted)) == wanted


def test_the_option_takes_precedence_over_the_toolchain(project: Placed) -> None:
    environment(project.program / ".venv")
    wanted = environment(project.folder / "env")

    assert project.chosen(PULUMI_RUNTIME_VIRTUALENV="env", PULUMI_RUNTIME_TOOLCHAIN="uv") == wanted


@pytest.mark.parametrize("where", ["program", ".", ".."])
def test_uv_keeps_its_environment_beside_its_lock_file(project: Placed, where: str) -> None:
    folder = (project.folder / where).resolve()
    (folder / "uv.lock").touch()
    wanted = environment(folder / ".venv")

    assert project.chosen(PULUMI_RUNTIME_TOOLCHAIN="uv") == wanted
    assert project.chosen() == wanted


def test_uv_without_a_lock_file_keeps_it_beside_pyproject(project: Placed) -> None:
    (project.folder / "pyproject.toml").touch()
    wanted = environment(project.folder / ".venv")

    assert project.chosen(PULUMI_RUNTIME_TOOLCHAIN="uv") == wanted


def test_uv_may_use_another_environment(project: Placed) -> None:
    (project.folder / "uv.lock").touch()
    wanted = environment(project.folder / "env")

    assert project.chosen(UV_PROJECT_ENVIRONMENT="env") == wanted
    assert project.chosen(UV_PROJECT_ENVIRONMENT=str(wanted)) == wanted


def test_poetry_names_the_environment(project: Placed, activated: Path, tmp_path: Path) -> None:
    wanted = environment(tmp_path / "of poetry")
    poetry = activated / "bin" / "poetry"
    poetry.write_text(f'#!/bin/sh\n[ "$*" = "env info --path" ] && echo "{wanted}"\n')
    poetry.chmod(0o755)
    (project.folder / "poetry.lock").touch()

    assert project.chosen(PULUMI_RUNTIME_TOOLCHAIN="poetry") == wanted
    assert project.chosen() == wanted


def test_otherwise_it_is_the_python_on_path(project: Placed, activated: Path) -> None:
    environment(project.folder / ".venv")

    assert project.chosen() == activated


def test_the_pip_toolchain_uses_the_default_search(project: Placed, activated: Path) -> None:
    (project.folder / "uv.lock").touch()

    assert project.chosen(PULUMI_RUNTIME_TOOLCHAIN="pip") == activated


def test_the_command_for_python_may_be_named(project: Placed, activated: Path, tmp_path: Path) -> None:
    assert activated.exists()
    wanted = environment(tmp_path / "named")

    assert project.chosen(PULUMI_PYTHON_CMD=str(wanted / "bin" / "python")) == wanted


@pytest.mark.parametrize("where", [".venv", "venv", "program/.venv", "program/venv"])
def test_an_inactive_environment_is_found(project: Placed, where: str) -> None:
    project.path = str(environment(project.folder.parent / "other", with_package=False) / "bin")
    wanted = environment(project.folder / where)

    assert project.chosen() == wanted


def test_it_is_found_without_a_python_on_path(project: Placed) -> None:
    wanted = environment(project.folder / ".venv")

    assert project.chosen() == wanted


def test_the_environment_is_first_on_the_hosts_path(project: Placed) -> None:
    wanted = environment(project.folder / "env")

    reported = project.reported(PULUMI_RUNTIME_VIRTUALENV="env", PATH="/usr/bin", PYTHONHOME="/nowhere")

    assert reported["path"] == f"{wanted}/bin:/usr/bin"


def test_it_replaces_itself_with_the_host(project: Placed, activated: Path) -> None:
    assert activated.exists()
    process = project.start()

    said, _ = process.communicate(timeout=20)

    assert json.loads(said)["pid"] == process.pid


def test_the_host_runs_like_the_stock_host(project: Placed, activated: Path) -> None:
    assert activated.exists()
    reported = project.reported("an address", "$HOME *")

    assert reported["host"] == "pulumi_openai_ft.host.__main__"
    assert reported["arguments"] == ["an address", "$HOME *"]
    assert reported["importable"] == str(project.program)


@pytest.mark.parametrize("name", ["Pulumi.yml", "Pulumi.json"])
def test_a_project_file_may_have_another_ending(project: Placed, name: str) -> None:
    (project.folder / "Pulumi.yaml").rename(project.folder / name)
    wanted = environment(project.folder / "env")

    assert project.chosen(PULUMI_RUNTIME_VIRTUALENV="env") == wanted


def test_a_wrapper_outside_of_projects_knows_only_the_program(project: Placed) -> None:
    (project.folder / "Pulumi.yaml").unlink()
    wanted = environment(project.program / "env")

    assert project.chosen(PULUMI_RUNTIME_VIRTUALENV="env") == wanted


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_of_this_machine_understands_it(project: Placed, activated: Path, shell: str) -> None:
    command = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]

    assert project.reported(shell=tuple(command))["environment"] == str(activated)


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        (
            {"PULUMI_RUNTIME_VIRTUALENV": "env"},
            "there is no virtual environment in {program}/env: run `pulumi install` to make it",
        ),
        (
            {},
            "no Python is on PATH: install one, or name an environment in runtime.options.virtualenv",
        ),
    ],
    ids=["no environment", "no python"],
)
def test_without_a_python_it_prints_instructions(project: Placed, env: dict[str, str], sentence: str) -> None:
    process = project.start(**env)
    said, complaint = process.communicate(timeout=20)

    assert (process.returncode, said) == (1, "")
    assert complaint == f"pulumi-openai-ft: {sentence.format(program=project.program)}\n"


def test_without_pulumi_it_names_the_package_to_install(project: Placed) -> None:
    made = environment(project.folder / "env", with_package=False)
    process = project.start(PULUMI_RUNTIME_VIRTUALENV="env")
    said, complaint = process.communicate(timeout=20)

    assert (process.returncode, said) == (1, "")
    assert complaint == (
        f"pulumi-openai-ft: {made}/bin/python lacks pulumi-openai-ft and pulumi: install it there "
        f"(docs/install.md)\n"
    )


def test_a_package_without_a_host_does_not_count(project: Placed) -> None:
    made = environment(project.folder / "env")
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(made)}))
    shutil.rmtree(packages / "pulumi_openai_ft" / "host")
    (packages / "pulumi_openai_ft" / "__init__.py").touch()

    _, complaint = project.start(PULUMI_RUNTIME_VIRTUALENV="env").communicate(timeout=20)

    assert f"{made}/bin/python lacks pulumi-openai-ft and pulumi" in complaint


def test_each_program_of_the_repository_is_a_project() -> None:
    programs = [ROOT / "__main__.py", *(ROOT / "examples").glob("*/__main__.py")]

    assert {file.parent for file in PROJECTS} == {program.parent for program in programs}


@pytest.mark.parametrize("file", PROJECTS, ids=lambda file: str(file.parent.relative_to(ROOT)))
def test_our_projects_use_identical_wrappers(file: Path) -> None:
    project = Project.find(file.parent)

    assert project.host_folder() == file.parent / "bin"
    assert compare(file.parent / "bin" / WRAPPER) is WrapperStatus.CURRENT
