"""The wrapper becomes a host. Hosts of these tests print facts about themselves and exit.

`tests/program_python` has the rules that select the Python.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.program_python.layout import make_environment

from pulumi_openai_ft.cli.project import WRAPPER, WRAPPER_SOURCE, Project, WrapperStatus, compare

ROOT = Path(__file__).parents[2]
PROJECTS = [ROOT / "Pulumi.yaml", *sorted((ROOT / "examples").glob("*/Pulumi.yaml"))]
SHELLS = [shell for shell in ("bash", "busybox", "dash", "ksh", "mksh", "zsh") if shutil.which(shell)]
HOST = """
import json, os, sys
host = sys.modules["__main__"]
print(json.dumps({
    "environment": sys.prefix, "pid": os.getpid(), "arguments": sys.argv[1:], "path": os.environ["PATH"],
    "host": host.__spec__.name, "importable": sys.path[0] or os.getcwd(),
}))
"""
ADDRESS = "127.0.0.1:40000"
OWN_HOST, STOCK_HOST = "pulumi_openai_ft/host", "pulumi/dynamic"


def environment(folder: Path, *hosts: str) -> Path:
    """Create a virtual environment with hosts."""
    packages = make_environment(folder)
    for host in hosts:
        (packages / host).mkdir(parents=True)
        (packages / host / "__main__.py").write_text(HOST)
    return folder


@dataclass
class InstalledProject:
    """A project whose program is in a subfolder, with the wrapper installed."""

    folder: Path
    path: str = ""

    @property
    def program(self) -> Path:
        return self.folder / "program"

    @property
    def wrapper(self) -> Path:
        return self.folder / "bin" / WRAPPER

    def start(self, *arguments: str, shell: tuple[str, ...] = (), **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*shell, str(self.wrapper), *(arguments or (ADDRESS,))],
            cwd=self.program,
            env={"PATH": self.path, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def facts(self, *arguments: str, shell: tuple[str, ...] = (), **env: Any) -> dict[str, Any]:
        """Return the facts that the host prints."""
        output, errors = self.start(*arguments, shell=shell, **env).communicate(timeout=20)
        assert not errors
        found: dict[str, Any] = json.loads(output)
        return found


@pytest.fixture
def project(tmp_path: Path) -> InstalledProject:
    project_folder = InstalledProject(tmp_path / "a project")
    project_folder.program.mkdir(parents=True)
    project_folder.wrapper.parent.mkdir()
    shutil.copy(WRAPPER_SOURCE, project_folder.wrapper)
    (project_folder.folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: program\n")
    return project_folder


@pytest.fixture
def activated(project: InstalledProject) -> Path:
    """Create an environment as the only folder on PATH."""
    environment_folder = environment(project.folder.parent / "activated", OWN_HOST)
    project.path = str(environment_folder / "bin")
    return environment_folder


def test_the_environment_is_first_on_the_hosts_path(project: InstalledProject) -> None:
    expected = environment(project.folder / "env", OWN_HOST)

    facts = project.facts(PULUMI_RUNTIME_VIRTUALENV="env", PATH="/usr/bin", PYTHONHOME="/nowhere")

    assert facts["path"] == f"{expected}/bin:/usr/bin"


def test_the_wrapper_process_becomes_the_host(project: InstalledProject, activated: Path) -> None:
    assert activated.exists()
    process = project.start()

    output, _ = process.communicate(timeout=20)

    assert json.loads(output)["pid"] == process.pid


def test_host_sees_the_environment_of_the_stock_host(project: InstalledProject, activated: Path) -> None:
    assert activated.exists()
    facts = project.facts("an address", "$HOME *")

    assert facts["host"] == "pulumi_openai_ft.host.__main__"
    assert facts["arguments"] == ["an address", "$HOME *"]
    assert facts["importable"] == str(project.program)


def test_outside_of_a_project_the_program_folder_is_used(project: InstalledProject) -> None:
    (project.folder / "Pulumi.yaml").unlink()
    expected = environment(project.program / "env", OWN_HOST)

    assert project.facts(PULUMI_RUNTIME_VIRTUALENV="env")["environment"] == str(expected)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_wrapper_runs_in_every_installed_shell(
    project: InstalledProject, activated: Path, shell: str
) -> None:
    command = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else [])]

    assert project.facts(shell=tuple(command))["environment"] == str(activated)


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        (
            {"PULUMI_RUNTIME_VIRTUALENV": "env"},
            "{project}/env is not a virtual environment; run `pulumi install`",
        ),
        (
            {},
            "no Python is on PATH: install one, or set runtime.options.virtualenv in Pulumi.yaml",
        ),
    ],
    ids=["no environment", "no python"],
)
def test_a_missing_python_is_reported_with_a_fix(project: InstalledProject, env: Any, sentence: str) -> None:
    process = project.start(**env)
    output, errors = process.communicate(timeout=20)

    assert (process.returncode, output) == (1, "")
    assert errors == f"pulumi-openai-ft: {sentence.format(project=project.folder)}\n"


def test_a_missing_pulumi_is_reported_with_a_fix(project: InstalledProject) -> None:
    environment_folder = environment(project.folder / "env")
    process = project.start(PULUMI_RUNTIME_VIRTUALENV="env")
    output, errors = process.communicate(timeout=20)

    assert (process.returncode, output) == (1, "")
    assert errors == (
        f"pulumi-openai-ft: {environment_folder}/bin/python lacks pulumi-openai-ft and pulumi: install it there "
        f"(docs/install.md)\n"
    )


def test_without_the_package_the_stock_host_starts(project: InstalledProject) -> None:
    environment_folder = environment(project.folder / "env", STOCK_HOST)
    process = project.start("an address", PULUMI_RUNTIME_VIRTUALENV="env")
    output, errors = process.communicate(timeout=20)

    facts = json.loads(output)
    assert (facts["host"], facts["arguments"]) == ("pulumi.dynamic.__main__", ["an address"])
    assert facts["pid"] == process.pid
    assert errors == (
        f"pulumi-openai-ft: {environment_folder}/bin/python lacks pulumi-openai-ft, so the host of Pulumi itself serves dynamic "
        f"resources: install it there (docs/install.md)\n"
    )


@pytest.mark.parametrize("file", PROJECTS, ids=lambda file: str(file.parent.relative_to(ROOT)))
def test_projects_of_the_repository_share_a_wrapper(file: Path) -> None:
    folder = Project.find(file.parent).host_folder()

    assert folder
    assert folder.resolve() == ROOT / "examples" / "bin"
    assert compare(folder / WRAPPER) is WrapperStatus.CURRENT


def test_the_wrapper_has_thirty_lines_at_most() -> None:
    assert len(WRAPPER_SOURCE.read_text().splitlines()) <= 30
