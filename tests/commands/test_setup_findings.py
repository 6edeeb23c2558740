from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._commands import setup_findings
from pulumi_openai_ft._commands.findings import Mark
from pulumi_openai_ft._commands.init import initialize
from pulumi_openai_ft._commands.project import MASTER, WRAPPER, Project
from pulumi_openai_ft._commands.pulumi_cli import Version

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

    found = setup_findings.host(Project.find(folder))

    assert (found.mark, found.text) == (Mark.OK, f"this package's, by {folder}/bin/{WRAPPER}")


def test_the_stock_host_is_a_warning(folder: Path) -> None:
    found = setup_findings.host(Project.find(folder))

    assert found.mark is Mark.WARNING
    assert found.text.endswith("no resuming after Ctrl-C: run `openai-ft init`")


def test_a_missing_wrapper_is_a_problem(folder: Path) -> None:
    found = setup_findings.host(append(folder, SELECTS))

    assert found.mark is Mark.PROBLEM
    assert found.text.endswith("which Pulumi.yaml selects, is not there: run `openai-ft init`")


@pytest.mark.parametrize(
    ("mode", "content", "mark", "reason"),
    [
        (0o644, MASTER.read_bytes(), Mark.PROBLEM, "is not executable: run `openai-ft init`"),
        (0o755, b"#!/bin/sh\n# Written by `openai-ft init`\n", Mark.WARNING, "is of another version"),
        (0o755, b"#!/bin/sh\n", Mark.WARNING, "is another program: run `openai-ft init` --force"),
    ],
    ids=["no run bit", "older", "another"],
)
def test_a_wrapper_that_is_not_right_is_told(
    folder: Path, mode: int, content: bytes, mark: Mark, reason: str
) -> None:
    project = append(folder, SELECTS)
    (folder / "bin").mkdir()
    (folder / "bin" / WRAPPER).write_bytes(content)
    (folder / "bin" / WRAPPER).chmod(mode)

    found = setup_findings.host(project)

    assert found.mark is mark
    assert reason in found.text


def test_malformed_plugins_are_a_problem(folder: Path) -> None:
    found = setup_findings.host(append(folder, "plugins: []\nplugins: [x]\n"))

    assert found.mark is Mark.PROBLEM
    assert "plugins is ['x']" in found.text


@pytest.mark.parametrize("place", [".", "policies", "rules/strict"])
def test_a_policy_pack_is_found(folder: Path, place: str) -> None:
    (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / place / "PulumiPolicy.yaml").touch()

    found = setup_findings.policies(Project.find(folder))

    assert (found.mark, found.text) == (
        Mark.OK,
        f"{place}: `pulumi preview --policy-pack {place}` applies it",
    )


def test_to_have_no_policy_pack_is_no_fault(folder: Path) -> None:
    assert setup_findings.policies(Project.find(folder)).mark is Mark.OK


def test_another_python_than_the_programs_is_a_warning(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: {name: python, options: {virtualenv: env}}\n")

    found = setup_findings.python(Project.find(folder))

    assert found.mark is Mark.WARNING
    assert found.text.endswith(f"the program runs in {folder}/env: run {folder}/env/bin/openai-ft doctor")


def test_the_programs_python_is_fine(folder: Path) -> None:
    (folder / "env").symlink_to(sys.prefix)
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: {name: python, options: {virtualenv: env}}\n")

    assert setup_findings.python(Project.find(folder)).mark is Mark.OK


def test_a_missing_pulumi_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert shutil.which("pulumi") is None
    assert setup_findings.pulumi_command().mark is Mark.PROBLEM


def test_a_broken_pulumi_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pulumi").write_text("#!/bin/sh\necho 'error: broken' >&2; exit 3\n")
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    found = setup_findings.pulumi_command()

    assert (found.mark, found.text) == (
        Mark.PROBLEM,
        f"{tmp_path}/pulumi: broken; install it again (www.pulumi.com/docs/install)",
    )


@pytest.mark.parametrize(
    ("told", "mark", "text"),
    [
        ("v3.259.0\n", Mark.OK, "3.259.0, /bin/pulumi"),
        ("v3.271.1-alpha.1785.g51e8e1b\n", Mark.OK, "3.271.1, /bin/pulumi"),
        (
            "3.99.3\n",
            Mark.WARNING,
            "/bin/pulumi is version 3.99.3, and 3.259.0 is the oldest tried: get a newer one",
        ),
        (
            "unknown\n",
            Mark.WARNING,
            "/bin/pulumi is of no version that can be told, and 3.259.0 is the oldest tried: get a newer one",
        ),
    ],
    ids=["tried", "newer", "older", "unknown"],
)
def test_the_version_of_pulumi_is_judged(told: str, mark: Mark, text: str) -> None:
    found = setup_findings.pulumi_version(Version.parse(told), "/bin/pulumi")

    assert (found.mark, found.text) == (mark, text)
