from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support import API_KEY, TODAY

from pulumi_openai_ft.cli.doctor.checks import examine
from pulumi_openai_ft.cli.doctor.report import Status

if TYPE_CHECKING:
    from pulumi_openai_ft.cli.doctor.report import Finding
    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def folder(tmp_path: Path, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project on a machine without Pulumi, with all settings in the environment."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    return tmp_path


def findings(folder: Path) -> dict[str, Finding]:
    return {found.check: found for found in examine(folder, TODAY)}


def test_windows_is_the_only_finding(folder: Path) -> None:
    (found,) = examine(folder, TODAY, system="nt")

    assert (found.check, found.status) == ("system", Status.PROBLEM)
    assert "Windows Subsystem for Linux" in found.message


def test_everything_is_checked(folder: Path) -> None:
    assert list(findings(folder)) == [
        "project",
        "Pulumi",
        "Python",
        "SDK",
        "package",
        "host",
        "policies",
        "stack",
        "project key",
        "admin key",
        "date",
        "service",
        "training",
    ]


def test_without_pulumi_the_environment_counts(folder: Path) -> None:
    found = findings(folder)

    assert found["Pulumi"].status is Status.PROBLEM
    assert found["stack"].message == "the configuration cannot be read without `pulumi`"
    assert found["project key"].message == "from the environment (OPENAI_API_KEY)"


def test_without_a_project_machine_and_service_are_still_checked(folder: Path) -> None:
    (folder / "Pulumi.yaml").unlink()

    found = findings(folder)

    assert found["project"].status is Status.PROBLEM
    assert found["service"].status is Status.OK
    assert "host" not in found


def test_settings_that_contradict_each_other_are_one_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", API_KEY)

    found = findings(folder)

    assert found["settings"].status is Status.PROBLEM
    assert "are the same key" in found["settings"].message
    assert "service" not in found


def test_checks_change_nothing_and_print_no_key(folder: Path, service: Emulator) -> None:
    reported = " ".join(found.message for found in findings(folder).values())

    assert API_KEY not in reported
    assert [(entry.method, entry.path) for entry in service.journal()] == [("GET", "/v1/fine_tuning/jobs")]
    assert [path.name for path in folder.iterdir()] == ["Pulumi.yaml"]
