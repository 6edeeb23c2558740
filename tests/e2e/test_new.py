"""`openai-ft new` and `pulumi new` write the same project."""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import TEMPLATE, engine_environment

from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e
LONG = pytest.mark.long
DESCRIPTIONS = [
    "A: #1 'shop' \"bot\"",
    *("yes", "2026-11-30", "1_000", "0x1f", "1e3", "~", "null", "12:30", ".5", "y"),
    *(
        "- a",
        "[a]",
        "{a}",
        "@a",
        "`a`",
        "%a",
        "a #b",
        "a: b",
        "a ",
        " a",
        "é日本 ☕",
        "!x",
        "&x",
        "*x",
        "|",
        ">",
        "?",
    ),
    " ".join(["word"] * 50),
]


def contents(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Return the content of each file, and whether it is executable."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
        for path in folder.rglob("*")
        if path.is_file()
    }


def created_by_pulumi(engine: str, home: Path, options: list[str]) -> Path:
    folder = home / "by-pulumi" / "support-bot"
    folder.mkdir(parents=True)
    command = ["pulumi", "new", str(TEMPLATE), "--yes", "--generate-only", *options]
    done = subprocess.run(
        command, cwd=folder, env=engine_environment(engine, home), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.core
@pytest.mark.parametrize(
    "options",
    [
        [],
        pytest.param(["--name", "007"], marks=LONG),
        *(pytest.param(["--description", text], marks=LONG) for text in DESCRIPTIONS),
    ],
    ids=" ".join,
)
def test_both_commands_write_the_same_bytes(engine: str, tmp_path: Path, options: list[str]) -> None:
    """Pulumi 3.216 and 3.259 keep the tag `pulumi:template` of a template, instead of writing the path of the template."""
    by_pulumi = created_by_pulumi(engine, tmp_path, options)

    assert main(["new", str(tmp_path / "support-bot"), *options]) == 0

    assert contents(tmp_path / "support-bot") == contents(by_pulumi)
