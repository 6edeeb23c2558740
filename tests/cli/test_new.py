from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft import training_data
from pulumi_openai_ft.cli import new
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.cli.project import TEMPLATE, Project, WrapperStatus, compare
from pulumi_openai_ft.errors import InputError

ROOT = Path(__file__).parents[2]
DATA = "customer_support.jsonl"
FILES = {
    *(".gitignore", "Pulumi.yaml", "__main__.py", "requirements.txt", DATA),
    "bin/pulumi-resource-pulumi-python",
}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_gets_a_project_with_the_host(tmp_path: Path) -> None:
    folder = tmp_path / "teams" / "support-bot"

    made = new.create(folder)

    project = Project.find(folder)
    assert files(folder) == FILES
    assert (made.name, project.name) == ("support-bot", "support-bot")
    assert project.host_folder() == folder / "bin"
    assert compare(folder / "bin" / "pulumi-resource-pulumi-python") is WrapperStatus.CURRENT
    assert stat.S_IMODE((folder / "__main__.py").stat().st_mode) == 0o644
    assert "template" not in project.data
    assert "$" not in project.text


def test_sample_data_has_30_different_examples_without_warnings(tmp_path: Path) -> None:
    new.create(tmp_path / "shop")
    rows = (tmp_path / "shop" / DATA).read_text().splitlines()

    report = training_data.check(tmp_path / "shop" / DATA)

    assert len(rows) == len(set(rows)) == report.examples == 30
    assert report.problems == ()
    assert rows == (ROOT / "examples" / "data" / DATA).read_text().splitlines()[:30]


@pytest.mark.parametrize("entry", [".git", ".hg", ".bzr", ".venv"])
def test_a_folder_with_only_version_control_counts_as_empty(tmp_path: Path, entry: str) -> None:
    (tmp_path / entry).mkdir()

    new.create(tmp_path)

    assert files(tmp_path) == FILES


def test_other_files_are_kept_and_reported(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("print('mine')\n")

    with pytest.raises(
        InputError, match=rf"{tmp_path} is not empty \(it contains '__main__.py'\); .*--force"
    ):
        new.create(tmp_path)

    assert files(tmp_path) == {"__main__.py"}
    assert (tmp_path / "__main__.py").read_text() == "print('mine')\n"


def test_force_overwrites_only_files_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("print('mine')\n")
    (tmp_path / "notes.txt").write_text("mine")

    new.create(tmp_path, force=True)

    assert files(tmp_path) == {*FILES, "notes.txt"}
    assert (tmp_path / "__main__.py").read_bytes() == (TEMPLATE / "__main__.py").read_bytes()


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "shop").touch()

    with pytest.raises(InputError, match="shop is a file; pass the name of a new folder"):
        new.create(tmp_path / "shop", force=True)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("support bot", "supportbot"),
        ("Büro", "Bro"),
        ("日本", "project"),
        ("Pulumi", "project"),
        ("x" * 101, "project"),
    ],
)
def test_the_name_comes_from_the_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert new.create(tmp_path / folder).name == name


@pytest.mark.parametrize("name", ["", "my shop", "x" * 101, "pulumi", "Pulumi.shop", "shop\n"])
def test_a_name_that_pulumi_rejects_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"^--name .* is invalid: "):
        new.create(tmp_path / "shop", name=name)

    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(("description", "reason"), [("a\nb", "one line"), ("é" * 129, "at most 256 bytes")])
def test_a_description_that_pulumi_rejects_is_an_error(tmp_path: Path, description: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"^--description .*{reason}"):
        new.create(tmp_path / "shop", description=description)


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60))
def test_yaml_keeps_every_printable_text(text: str) -> None:
    assert yaml.safe_load(f"description: {new._as_yaml(text)}\n") == {"description": text}


def test_only_the_project_file_has_placeholders() -> None:
    """Pulumi replaces placeholders in every file."""
    texts = {
        path: path.read_text() for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"
    }

    assert {
        path.name for path, text in texts.items() if "${PROJECT}" in text or "${DESCRIPTION}" in text
    } == {"Pulumi.yaml"}


def test_the_next_steps_lead_to_the_first_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["new", "support bot"]) == 0

    output = capsys.readouterr().out
    steps = [line.partition(". ")[2] for line in output.splitlines() if line.startswith("   ")]
    assert output.startswith("Created project 'supportbot'.\n")
    assert steps == [
        "cd 'support bot'",
        "pulumi install",
        "pulumi stack init dev",
        "pulumi config set --secret openai-ft:apiKey",
    ]
    assert "openai-ft emulator" in output


def test_steps_that_are_done_are_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".venv").mkdir()

    assert main(["new"]) == 0

    output = capsys.readouterr().out
    assert "1. pulumi stack init dev" in output


@pytest.mark.parametrize("command", ["new", "init"])
def test_a_missing_pulumi_is_reported(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    if command == "init":
        (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")

    assert main([command, str(tmp_path)]) == 0

    last_line = capsys.readouterr().out.splitlines()[-1]
    assert last_line == "`pulumi` is not on PATH; install it (www.pulumi.com/docs/install)."


def test_windows_is_reported_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Windows is not supported, .* Windows Subsystem for Linux"):
        new.create(tmp_path / "shop", system="nt")

    assert not (tmp_path / "shop").exists()
