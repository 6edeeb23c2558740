from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft.cli.doctor import local_checks
from pulumi_openai_ft.cli.doctor.report import Status
from pulumi_openai_ft.cli.init import initialize
from pulumi_openai_ft.cli.project import WRAPPER, WRAPPER_SOURCE, Project
from pulumi_openai_ft.cli.pulumi_cli import Version

if TYPE_CHECKING:
    from pathlib import Path

SELECTS = "plugins: {providers: [{name: pulumi-python, path: bin}]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    return tmp_path


def append(folder: Path, text: str) -> Project:
    file = folder / "Pulumi.yaml"
    file.write_text(file.read_text() + text)
    return Project.find(folder)


def test_a_selected_host_is_fine(folder: Path) -> None:
    initialize(folder)

    found = local_checks.host(Project.find(folder))

    assert (found.status, found.message) == (
        Status.OK,
        f"this package's host, started by {folder}/bin/{WRAPPER}",
    )


def test_the_stock_host_is_a_warning(folder: Path) -> None:
    found = local_checks.host(Project.find(folder))

    assert found.status is Status.WARNING
    assert found.message.endswith("or resuming after Ctrl-C; run `openai-ft init`")


def test_a_missing_wrapper_is_a_problem(folder: Path) -> None:
    found = local_checks.host(append(folder, SELECTS))

    assert found.status is Status.PROBLEM
    assert found.message.endswith("selected by Pulumi.yaml, does not exist; run `openai-ft init`")


@pytest.mark.parametrize(
    ("mode", "content", "mark", "reason"),
    [
        (0o644, WRAPPER_SOURCE.read_bytes(), Status.PROBLEM, "is not executable; run `openai-ft init`"),
        (0o755, b"#!/bin/sh\n# Written by `openai-ft init`\n", Status.WARNING, "is from another version"),
        (
            0o755,
            b"#!/bin/sh\n",
            Status.WARNING,
            "is another program; to overwrite it, run `openai-ft init --force`",
        ),
    ],
    ids=["not executable", "older", "another"],
)
def test_a_wrong_wrapper_is_reported(
    folder: Path, mode: int, content: bytes, mark: Status, reason: str
) -> None:
    project = append(folder, SELECTS)
    (folder / "bin").mkdir()
    (folder / "bin" / WRAPPER).write_bytes(content)
    (folder / "bin" / WRAPPER).chmod(mode)

    found = local_checks.host(project)

    assert found.status is mark
    assert reason in found.message


def test_malformed_plugins_are_a_problem(folder: Path) -> None:
    found = local_checks.host(append(folder, "plugins: []\nplugins: [x]\n"))

    assert found.status is Status.PROBLEM
    assert "plugins is ['x']" in found.message


@pytest.mark.parametrize("place", [".", "policies", "rules/strict"])
def test_a_policy_pack_is_found(folder: Path, place: str) -> None:
    write_pack(folder / place, "runtime: python\n")

    found = local_checks.policies(Project.find(folder))

    assert (found.status, found.message) == (
        Status.OK,
        f"{place}: apply it with `pulumi preview --policy-pack {place}`",
    )


def write_pack(folder: Path, description: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "PulumiPolicy.yaml").write_text(description)


def test_a_project_needs_no_policy_pack(folder: Path) -> None:
    assert local_checks.policies(Project.find(folder)).status is Status.OK


def test_a_policy_pack_without_its_environment_is_a_problem(folder: Path) -> None:
    write_pack(folder / "policies", "runtime: {name: python, options: {virtualenv: ../env}}\n")

    found = local_checks.policies(Project.find(folder))

    assert found.status is Status.PROBLEM
    assert found.message.startswith(f"policies: {folder}/policies/../env is not a virtual environment ")


def test_a_policy_pack_needs_its_packages(folder: Path) -> None:
    python = bare_environment(folder / "env")
    write_pack(folder / "policies", "runtime: {name: python, options: {virtualenv: ../env}}\n")

    found = local_checks.policies(Project.find(folder))

    assert found.status is Status.PROBLEM
    assert found.message == (
        f"policies: {folder}/policies/../env/bin/python does not have the package pulumi-policy; install it in this environment"
    )
    assert python.exists()


def test_a_broken_policy_pack_is_a_problem(folder: Path) -> None:
    write_pack(folder / "policies", "runtime: [")

    assert local_checks.policies(Project.find(folder)).status is Status.PROBLEM


def bare_environment(folder: Path) -> Path:
    """Create a virtual environment without any package, not even pip."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def install(python: Path, name: str, version: str) -> None:
    """Install only the metadata of a distribution."""
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    folder = packages / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def env(folder: Path) -> Path:
    """Return the Python of the project's environment, which has every package that a program needs."""
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: {name: python, options: {virtualenv: env}}\n")
    python = bare_environment(folder / "env")
    install(python, "pip", "26.0")
    install(python, "pulumi", "3.259.0")
    install(python, "pulumi-openai-ft", metadata.version("pulumi-openai-ft"))
    return python


def program(folder: Path) -> dict[str, tuple[Status, str]]:
    return {
        found.check: (found.status, found.message) for found in local_checks.program(Project.find(folder))
    }


def remove(python: Path, name: str) -> None:
    (found,) = python.parents[1].glob(f"lib/python*/site-packages/{name.replace('-', '_')}-*.dist-info")
    shutil.rmtree(found)


def test_the_environment_of_the_program_is_checked(folder: Path, env: Path) -> None:
    assert program(folder) == {
        "Python": (Status.OK, f"{platform.python_version()}, {env} (from runtime.options.virtualenv)"),
        "SDK": (Status.OK, "pulumi 3.259.0"),
        "package": (Status.OK, f"pulumi-openai-ft {metadata.version('pulumi-openai-ft')}"),
    }


def test_without_a_project_the_current_environment_is_checked() -> None:
    found = {finding.check: finding for finding in local_checks.program(None)}

    assert found["Python"].message == f"{platform.python_version()}, {sys.executable} (from this command)"
    assert found["package"].status is Status.OK


@pytest.mark.parametrize(
    ("missing", "about", "text"),
    [
        ("pulumi-openai-ft", "package", "does not have pulumi-openai-ft, so the program fails; install it"),
        ("pulumi", "SDK", "does not have the package pulumi; install it"),
        ("pip", "Python", "has no pip, which Pulumi requires; run `"),
    ],
)
def test_a_package_that_is_not_installed_is_a_problem(
    folder: Path, env: Path, missing: str, about: str, text: str
) -> None:
    remove(env, missing)

    mark, reported = program(folder)[about]

    assert mark is Status.PROBLEM
    assert text in reported
    assert str(env) in reported


def test_another_version_of_the_package_is_a_warning(folder: Path, env: Path) -> None:
    remove(env, "pulumi-openai-ft")
    install(env, "pulumi-openai-ft", "9.9.9")

    mark, text = program(folder)["package"]

    assert mark is Status.WARNING
    assert text.startswith("pulumi-openai-ft is 9.9.9, but this command is from ")
    assert text.endswith(f"; run {folder}/env/bin/openai-ft doctor")


def test_an_environment_that_does_not_exist_is_a_problem(folder: Path, env: Path) -> None:
    shutil.rmtree(env.parents[1])

    assert program(folder) == {
        "Python": (
            Status.PROBLEM,
            (
                f"{folder}/env is not a virtual environment (runtime.options.virtualenv selects it); "
                "run `pulumi install`"
            ),
        )
    }


@pytest.mark.parametrize(
    ("option", "installed", "mark", "text"),
    [
        ("mypy", True, Status.OK, "mypy 1.0"),
        ("pyright", True, Status.OK, "pyright 1.0"),
        (
            "mypy",
            False,
            Status.PROBLEM,
            "does not have mypy; install it, or remove runtime.options.typechecker",
        ),
        ("pytype", False, Status.PROBLEM, "runtime.options.typechecker is 'pytype'; write mypy or pyright"),
    ],
)
def test_a_type_checker_must_be_installed(
    folder: Path, env: Path, option: str, *, installed: bool, mark: Status, text: str
) -> None:
    (folder / "Pulumi.yaml").write_text(
        f"name: shop\nruntime: {{name: python, options: {{virtualenv: env, typechecker: {option}}}}}\n"
    )
    if installed:
        install(env, option, "1.0")

    found = program(folder)["type checker"]

    assert found[0] is mark
    assert text in found[1]


def test_mypy_needs_a_virtual_environment(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: {name: python, options: {typechecker: mypy}}\n")

    mark, text = program(folder)["type checker"]

    assert mark is Status.PROBLEM
    assert text.endswith("only in a virtual environment; set runtime.options.virtualenv")


def test_a_missing_pulumi_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert shutil.which("pulumi") is None
    assert local_checks.pulumi_command().status is Status.PROBLEM


def test_a_broken_pulumi_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pulumi").write_text("#!/bin/sh\necho 'error: broken' >&2; exit 3\n")
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    found = local_checks.pulumi_command()

    assert (found.status, found.message) == (
        Status.PROBLEM,
        f"{tmp_path}/pulumi: broken; install it again (www.pulumi.com/docs/install)",
    )


@pytest.mark.parametrize(
    ("reported", "mark", "text"),
    [
        ("v3.259.0\n", Status.OK, "3.259.0, /bin/pulumi"),
        ("v3.271.1-alpha.1785.g51e8e1b\n", Status.OK, "3.271.1, /bin/pulumi"),
        (
            "3.99.3\n",
            Status.WARNING,
            "/bin/pulumi is version 3.99.3; the oldest tested version is 3.216.0: install a newer version",
        ),
        (
            "unknown\n",
            Status.WARNING,
            "/bin/pulumi is of an unknown version; the oldest tested version is 3.216.0: install a newer version",
        ),
    ],
    ids=["tried", "newer", "older", "unknown"],
)
def test_the_version_of_pulumi_is_checked(reported: str, mark: Status, text: str) -> None:
    found = local_checks.pulumi_version(Version.parse(reported), "/bin/pulumi")

    assert (found.status, found.message) == (mark, text)
