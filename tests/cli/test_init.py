from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pulumi_openai_ft.cli.init import initialize
from pulumi_openai_ft.cli.project import WRAPPER, WRAPPER_SOURCE
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "# the shop\nname: shop\nruntime: {name: python, options: {toolchain: uv}}\n"
LINES = "plugins:\n  providers:\n    - name: pulumi-python\n      path: bin\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    (made / "Pulumi.yaml").write_text(PROJECT)
    return made


def project_text(folder: Path) -> str:
    return (folder / "Pulumi.yaml").read_text()


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the contents and modes of the files in a folder."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_project_gets_the_wrapper_and_the_lines(folder: Path) -> None:
    done = initialize(folder)

    wrapper = folder / "bin" / WRAPPER
    assert done == [f"wrote bin/{WRAPPER}", "added plugins.providers to Pulumi.yaml"]
    assert project_text(folder) == PROJECT + LINES
    assert wrapper.read_bytes() == WRAPPER_SOURCE.read_bytes()
    assert stat.S_IMODE(wrapper.stat().st_mode) == 0o755
    assert set(contents(folder)) == {"Pulumi.yaml", f"bin/{WRAPPER}"}


def test_a_second_run_changes_nothing(folder: Path) -> None:
    initialize(folder)
    before = contents(folder)

    assert initialize(folder) == []
    assert contents(folder) == before


def test_a_subfolder_of_the_project_is_accepted(folder: Path) -> None:
    (folder / "program").mkdir()

    initialize(folder / "program")

    assert (folder / "bin" / WRAPPER).exists()


@pytest.mark.parametrize("name", ["Pulumi.yml", "Pulumi.json"])
def test_the_project_file_may_have_another_ending(folder: Path, name: str) -> None:
    (folder / "Pulumi.yaml").unlink()
    (folder / name).write_text('{"name": "shop", "runtime": "python"}')

    assert initialize(folder)[1] == f"added plugins.providers to {name}"


def test_a_folder_named_in_the_project_gets_the_wrapper(folder: Path) -> None:
    text = PROJECT + LINES.replace("path: bin", "path: tools/hosts")
    (folder / "Pulumi.yaml").write_text(text)

    assert initialize(folder) == [f"wrote tools/hosts/{WRAPPER}"]
    assert project_text(folder) == text


@pytest.mark.parametrize("line", ["path: ../hosts", "path: '../hosts' # shared", "path: /missing/hosts"])
def test_a_missing_folder_outside_is_replaced(folder: Path, line: str) -> None:
    text = PROJECT + LINES.replace("path: bin", line)
    (folder / "Pulumi.yaml").write_text(text)

    assert initialize(folder) == [
        f"wrote bin/{WRAPPER}",
        "changed the path of pulumi-python to bin in Pulumi.yaml",
    ]
    assert project_text(folder) == re.sub(r"path: \S*", 'path: "bin"' if "'" in line else "path: bin", text)
    assert set(contents(folder.parent)) == {"shop/Pulumi.yaml", f"shop/bin/{WRAPPER}"}
    assert initialize(folder) == []


def test_a_shared_wrapper_outside_is_unchanged(folder: Path) -> None:
    shared = folder.parent / "hosts" / WRAPPER
    shared.parent.mkdir()
    shared.write_bytes(WRAPPER_SOURCE.read_bytes())
    shared.chmod(0o755)
    text = PROJECT + LINES.replace("path: bin", "path: ../hosts")
    (folder / "Pulumi.yaml").write_text(text)

    assert initialize(folder) == []
    shared.write_text("#!/bin/sh\n# Written by `openai-ft init`, long ago.\n")
    assert initialize(folder) == [f"updated ../hosts/{WRAPPER}"]
    assert project_text(folder) == text
    assert not (folder / "bin").exists()


@pytest.mark.parametrize("force", [False, True])
def test_another_program_outside_is_unchanged(folder: Path, force: bool) -> None:  # noqa: FBT001 - a parameter
    foreign = folder.parent / "hosts" / WRAPPER
    foreign.parent.mkdir()
    foreign.write_text("#!/bin/sh\nexec python3 -m theirs\n")
    (folder / "Pulumi.yaml").write_text(PROJECT + LINES.replace("path: bin", "path: ../hosts"))
    before = contents(folder.parent)

    with pytest.raises(InputError, match=rf"Pulumi.yaml selects .*/hosts/{WRAPPER}, another program outside"):
        initialize(folder, force=force)
    assert contents(folder.parent) == before


def test_an_older_wrapper_is_updated(folder: Path) -> None:
    initialize(folder)
    wrapper = folder / "bin" / WRAPPER
    wrapper.write_text("#!/bin/sh\n# Written by `openai-ft init`, long ago.\n")

    assert initialize(folder) == [f"updated bin/{WRAPPER}"]
    assert wrapper.read_bytes() == WRAPPER_SOURCE.read_bytes()


def test_a_missing_executable_bit_is_restored(folder: Path) -> None:
    initialize(folder)
    wrapper = folder / "bin" / WRAPPER
    wrapper.chmod(0o644)

    assert initialize(folder) == [f"made bin/{WRAPPER} executable"]
    assert os.access(wrapper, os.X_OK)


def test_another_program_is_overwritten_only_with_force(folder: Path) -> None:
    wrapper = folder / "bin" / WRAPPER
    wrapper.parent.mkdir()
    wrapper.write_text("#!/bin/sh\nexec python3 -m theirs\n")
    before = contents(folder)

    with pytest.raises(InputError, match=f"{WRAPPER} is another program; .* `openai-ft init --force`"):
        initialize(folder)
    assert contents(folder) == before

    assert initialize(folder, force=True)[0] == f"overwrote bin/{WRAPPER}"
    assert wrapper.read_bytes() == WRAPPER_SOURCE.read_bytes()


def test_the_project_file_keeps_its_mode_and_symlink(folder: Path, tmp_path: Path) -> None:
    real = tmp_path / "shared.yaml"
    (folder / "Pulumi.yaml").rename(real)
    real.chmod(0o640)
    (folder / "Pulumi.yaml").symlink_to(real)

    initialize(folder)

    assert (folder / "Pulumi.yaml").is_symlink()
    assert real.read_text() == PROJECT + LINES
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_an_unwritable_file_is_named(folder: Path) -> None:
    (folder / "bin").write_text("a file in the way")

    with pytest.raises(InputError, match=r"/shop/bin.*: (File exists|Not a directory)"):
        initialize(folder)

    assert project_text(folder) == PROJECT


def test_an_uneditable_project_file_leaves_everything_unchanged(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text(f"{PROJECT}...\n")
    before = contents(folder)

    with pytest.raises(
        InputError, match=r"Pulumi.yaml was not changed: .* manually, then run this command again"
    ):
        initialize(folder)

    assert contents(folder) == before


def pack_description(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "policies" / "PulumiPolicy.yaml").read_text())
    return found


def test_a_project_gets_a_policy_pack_on_request(folder: Path) -> None:
    done = initialize(folder, policies=True)

    assert done[-1] == "wrote the policy pack policies; apply it with `pulumi preview --policy-pack policies`"
    assert (folder / "policies" / "__main__.py").read_text() == (
        "from pulumi_openai_ft.policies import pack\n\npack()\n"
    )
    assert (folder / "policies" / "__init__.py").read_text() == ""
    assert pack_description(folder)["runtime"] == {"name": "python", "options": {"toolchain": "uv"}}


def test_a_policy_pack_uses_the_environment_of_the_program(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: {name: python, options: {virtualenv: venv}}\n")

    initialize(folder, policies=True)

    assert pack_description(folder)["runtime"]["options"] == {"virtualenv": "../venv"}


def test_an_older_policy_pack_becomes_a_package(folder: Path) -> None:
    initialize(folder, policies=True)
    (folder / "policies" / "__init__.py").unlink()

    assert initialize(folder, policies=True) == ["wrote policies/__init__.py"]
    assert initialize(folder, policies=True) == []


def test_an_existing_policy_pack_is_unchanged(folder: Path) -> None:
    initialize(folder, policies=True)
    (folder / "policies" / "__init__.py").unlink()
    (folder / "policies" / "__main__.py").write_text("# my own rules\n")
    before = contents(folder)

    assert initialize(folder, policies=True) == []
    assert contents(folder) == before


def test_another_program_in_the_policy_folder_is_unchanged(folder: Path) -> None:
    program = folder / "policies" / "__main__.py"
    program.parent.mkdir()
    program.write_text("print('mine')\n")

    with pytest.raises(InputError, match=r"policies/__main__.py is another program; move it, then"):
        initialize(folder, policies=True)

    assert program.read_text() == "print('mine')\n"
    assert not (folder / "policies" / "PulumiPolicy.yaml").exists()


def test_a_policy_pack_that_was_half_written_is_finished(folder: Path) -> None:
    initialize(folder, policies=True)
    (folder / "policies" / "PulumiPolicy.yaml").unlink()

    assert len(initialize(folder, policies=True)) == 1
    assert pack_description(folder)["runtime"]["name"] == "python"


def test_windows_is_reported_and_changes_nothing(folder: Path) -> None:
    before = contents(folder)

    with pytest.raises(InputError, match=r"^Windows is not supported, .* Windows Subsystem for Linux"):
        initialize(folder, system="nt")

    assert contents(folder) == before
