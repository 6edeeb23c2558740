from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft.cli.project import Project
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"name: [", "invalid YAML in line 1"),
        (b"name: shop\nruntime: nodejs\n", "runtime is 'nodejs'; this package requires a program in Python"),
        (b"name: shop\nruntime: {name: go}\n", "runtime is 'go'"),
        (b"name: shop\n", "runtime is None"),
        (b"name: \xff\n", "can't decode byte"),
    ],
)
def test_an_unusable_project_is_reported_with_the_reason(tmp_path: Path, text: bytes, reason: str) -> None:
    (tmp_path / "Pulumi.yaml").write_bytes(text)

    with pytest.raises(InputError, match=f"{tmp_path}/Pulumi.yaml: .*{reason}"):
        Project.find(tmp_path)


def test_a_missing_project_is_reported_with_a_fix(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"no Pulumi.yaml in {tmp_path} or its parents; .* `openai-ft new`"):
        Project.find(tmp_path)


def test_a_missing_folder_never_falls_back_to_its_parent(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")

    with pytest.raises(InputError, match="typo is not a folder"):
        Project.find(tmp_path / "typo")


def test_of_two_project_files_the_engines_choice_is_used(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: second\nruntime: python\n")
    (tmp_path / "Pulumi.json").write_text('{"name": "first", "runtime": "python"}')

    assert Project.find(tmp_path).name == "first"


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("plugins: {providers: [{name: pulumi-python, path: bin}]}", "bin"),
        ("plugins: {providers: [{name: aws, path: x}, {name: pulumi-python}]}", "."),
        ("plugins: {providers: [{name: aws, path: x}]}", None),
        ("plugins:", None),
    ],
)
def test_the_folder_of_the_host_is_read(tmp_path: Path, text: str, folder: str | None) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\n{text}\n")

    assert Project.find(tmp_path).host_folder() == (tmp_path / folder if folder else None)
